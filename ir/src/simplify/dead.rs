//! Drops instructions whose results nothing uses.

use crate::block::Inst;
use crate::function::{Function, Value};

/// Drops every instruction that neither a result nor a gradient needs.
///
/// Instructions of the body that only the pullback needs stay in the body. A call stays if its
/// pullback does.
pub(super) fn eliminate(function: &mut Function) {
    let mut live = vec![false; function.values.len()];
    let mark = |live: &mut Vec<bool>, v: Value| live[v.index()] = true;
    for r in &function.body.results {
        mark(&mut live, *r);
    }
    if let Some(p) = &function.pullback {
        for g in &p.block.results {
            mark(&mut live, *g);
        }
    }
    let mut sweep = |insts: &mut Vec<Inst>| {
        let mut kept: Vec<Inst> = Vec::with_capacity(insts.len());
        for mut inst in insts.drain(..).rev() {
            if let Inst::PullbackCall(p) = &mut inst {
                p.results.retain(|(_, v)| live[v.index()]);
            }
            let needed = match &inst {
                Inst::Op(i) => live[i.result.index()],
                Inst::Call(c) => c.results.iter().any(|v| live[v.index()]),
                Inst::PullbackCall(p) => !p.results.is_empty(),
            };
            if !needed {
                continue;
            }
            inst.each_operand(&mut |v| live[v.index()] = true);
            if let Inst::PullbackCall(p) = &inst {
                live[p.call.index()] = true;
            }
            kept.push(inst);
        }
        kept.reverse();
        *insts = kept;
    };
    if let Some(p) = &mut function.pullback {
        sweep(&mut p.block.insts);
    }
    sweep(&mut function.body.insts);
}
