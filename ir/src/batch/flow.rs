//! Which values of a function have the new axis.

use crate::block::{Block, Inst, Loop};
use crate::function::{Function, Value};
use crate::op::RunValue;
use std::collections::HashSet;

/// For each value, whether it is a word of the run's key.
pub(super) fn keys(block: &Block) -> Vec<bool> {
    let mut found: HashSet<usize> = HashSet::new();
    block.each_inst(&mut |inst| {
        if let Inst::Op(i) = inst
            && i.op.kind.run_value() == Some(RunValue::Key)
        {
            found.insert(i.result.index());
        }
    });
    let end = found.iter().max().map_or(0, |last| last + 1);
    (0..end).map(|v| found.contains(&v)).collect()
}

/// For each value, whether it depends on a mapped parameter, or on random elements.
pub(super) fn mapped(function: &Function, params: &[bool], keys: &[bool]) -> Vec<bool> {
    let mut flow = Flow {
        mapped: vec![false; function.values.len()],
        keys,
        changed: false,
    };
    for (param, mapped) in function.body.params.iter().zip(params) {
        flow.mapped[param.index()] = *mapped;
    }
    flow.block(&function.body);
    flow.mapped
}

struct Flow<'k> {
    mapped: Vec<bool>,
    keys: &'k [bool],
    /// Whether what a loop carries was found to be mapped since this was last asked.
    changed: bool,
}

impl Flow<'_> {
    fn set(&mut self, v: Value, mapped: bool) {
        let known = &mut self.mapped[v.index()];
        self.changed |= mapped && !*known;
        *known |= mapped;
    }

    fn block(&mut self, block: &Block) {
        for inst in &block.insts {
            match inst {
                Inst::Op(i) => {
                    let of = |v: &Value| {
                        self.mapped[v.index()] || self.keys.get(v.index()) == Some(&true)
                    };
                    let mapped = i.operands.iter().any(of);
                    self.set(i.result, mapped);
                }
                Inst::Loop(l) => self.iterate(l),
                // What it is a call of may draw.
                Inst::Call(_) | Inst::PullbackCall(_) => {
                    inst.each_result(&mut |v| self.set(v, true));
                }
            }
        }
    }

    /// Until nothing changes: what is carried is mapped as soon as what came in or what is handed on is.
    fn iterate(&mut self, l: &Loop) {
        for (param, s) in l.slice_params().iter().zip(&l.sliced) {
            self.set(*param, self.mapped[s.value.index()]);
        }
        let before = self.changed;
        let mut found = before;
        loop {
            let pairs = l.carried_params().iter().zip(&l.carried);
            for ((param, first), next) in pairs.zip(&l.body.results) {
                let mapped = self.mapped[first.index()] || self.mapped[next.index()];
                self.set(*param, mapped);
            }
            self.changed = false;
            self.block(&l.body);
            if !std::mem::replace(&mut self.changed, false) {
                break;
            }
            found = true;
        }
        for (param, result) in l.carried_params().iter().zip(&l.results) {
            self.set(*result, self.mapped[param.index()]);
        }
        for (value, _, stack) in l.stacks() {
            self.set(stack, self.mapped[value.index()]);
        }
        self.changed |= found;
    }
}
