//! The floating-point operations of a program, by the parameters that they are done with.
//!
//! They are counted as in [`cost`](mod@crate::cost), once for each iteration of a loop. An operation counts for the first
//! of its operands that is a parameter or made of parameters and constants alone: elements in another order, a weight
//! that is normalised first. What is done with data (activations, the scores of attention, losses) counts for none.

use crate::block::{Block, Inst, Loop, OpInst};
use crate::cost::of_op;
use crate::decompose::decompose;
use crate::function::{Function, ParamKind, Value};
use crate::shape::Type;
use std::collections::HashMap;

/// What a program takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shares {
    /// All its operations.
    pub flops: u64,
    /// Those that count for each of the function's parameters, in their order.
    pub of_params: Vec<u64>,
}

/// The operations of a linked program; none for one whose sizes are not bound, or with more than 64 bits hold.
pub fn shares(program: &Function) -> Option<Shares> {
    let mut plain = program.clone();
    plain.pullback = None;
    decompose(&mut plain).ok()?;
    let mut count = Count {
        types: &plain.values,
        origins: HashMap::new(),
        shares: Shares {
            flops: 0,
            of_params: vec![0; plain.params.len()],
        },
    };
    for (i, (param, value)) in plain.params.iter().zip(&plain.body.params).enumerate() {
        match param.kind {
            ParamKind::Param | ParamKind::State => {
                count.origins.insert(*value, Origin::Param(i));
            }
            ParamKind::Input | ParamKind::Key => {}
        }
    }
    count.block(&plain.body, 1)?;
    Some(count.shares)
}

/// What a value that does not depend on data was made of.
#[derive(Clone, Copy)]
enum Origin {
    Constant,
    /// A parameter of the function, by its position.
    Param(usize),
}

struct Count<'p> {
    types: &'p [Type],
    /// Values that depend on data have none.
    origins: HashMap<Value, Origin>,
    shares: Shares,
}

impl Count<'_> {
    fn block(&mut self, block: &Block, times: u64) -> Option<()> {
        for inst in &block.insts {
            match inst {
                Inst::Op(op) => self.op(op, times)?,
                Inst::Loop(l) => self.iterations(l, times)?,
                Inst::Call(_) | Inst::PullbackCall(_) => return None,
            }
        }
        Some(())
    }

    fn op(&mut self, inst: &OpInst, times: u64) -> Option<()> {
        let operands = inst.operands.iter().map(|v| self.origins.get(v).copied());
        let operands: Vec<Option<Origin>> = operands.collect();
        let param = operands.iter().find_map(|origin| match origin {
            Some(Origin::Param(i)) => Some(*i),
            Some(Origin::Constant) | None => None,
        });
        let flops = u64::try_from(of_op(inst, self.types)?.as_constant()?).ok()?;
        let flops = flops.checked_mul(times)?;
        self.shares.flops = self.shares.flops.checked_add(flops)?;
        if let Some(share) = param.and_then(|i| self.shares.of_params.get_mut(i)) {
            *share += flops;
        }
        if operands.iter().all(Option::is_some) {
            let origin = param.map_or(Origin::Constant, Origin::Param);
            self.origins.insert(inst.result, origin);
        }
        Some(())
    }

    /// What iterations hand on depends on all that they do, and is taken for data.
    fn iterations(&mut self, l: &Loop, times: u64) -> Option<()> {
        for (sliced, slice) in l.sliced.iter().zip(l.slice_params()) {
            if let Some(origin) = self.origins.get(&sliced.value).copied() {
                self.origins.insert(*slice, origin);
            }
        }
        let trip = u64::try_from(l.trip.as_extent()?).ok()?;
        self.block(&l.body, times.checked_mul(trip)?)
    }
}
