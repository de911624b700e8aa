//! Where a block of a program is cut: what stands between is scheduled like a program of its own.
//!
//! Loops cut, and so do barriers: what is computed again behind them would be taken for what stands in front of
//! them, since a stretch computes equal values once.

use super::ScheduleError;
use sinew_ir::{Block, Inst, Loop, Value};
use std::collections::BTreeSet;

/// The operations between two loops or barriers, and the loop behind them, if it is one.
pub(super) struct Section<'a> {
    pub ops: BTreeSet<Value>,
    pub behind: Option<&'a Loop>,
}

/// The sections of a block: each ends behind a loop, in front of barriers, or with the block.
pub(super) fn sections(block: &Block) -> Result<Vec<Section<'_>>, ScheduleError> {
    let mut out = Vec::new();
    let mut ops = BTreeSet::new();
    let mut behind_barrier = true;
    for inst in &block.insts {
        match inst {
            Inst::Op(op) => {
                let barrier = op.op.kind.is_barrier();
                if barrier && !behind_barrier {
                    out.push(Section {
                        ops: std::mem::take(&mut ops),
                        behind: None,
                    });
                }
                behind_barrier = barrier;
                ops.insert(op.result);
            }
            Inst::Loop(l) => {
                behind_barrier = true;
                out.push(Section {
                    ops: std::mem::take(&mut ops),
                    behind: Some(l),
                });
            }
            Inst::Call(c) => {
                return Err(ScheduleError::NotLinked(format!("calls {}", c.target.name)));
            }
            Inst::PullbackCall(_) => {
                return Err(ScheduleError::NotLinked("a pullback of a call".into()));
            }
        }
    }
    out.push(Section { ops, behind: None });
    Ok(out)
}
