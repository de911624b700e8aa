//! How many bytes a program keeps at its fullest place, as it stands: an estimate in which each value that
//! is no view is stored. The scheduler stores fewer, since it fuses; what it takes is what counts in the
//! end, and this says which programs are worth a schedule.

use super::light::{Views, bytes};
use crate::block::{Block, Inst};
use crate::function::{Function, Value};
use crate::shape::Type;
use std::collections::{HashMap, HashSet};

/// The most bytes that values of a program take together.
pub(super) fn peak(program: &Function) -> usize {
    let views = Views::inside(&program.body);
    of_block(&program.body, &program.values, &views)
}

fn of_block(block: &Block, types: &[Type], views: &Views) -> usize {
    // What goes out has its place elsewhere.
    let out: HashSet<Value> = block.results.iter().copied().collect();
    let mut last: HashMap<Value, usize> = HashMap::new();
    for (at, inst) in block.insts.iter().enumerate() {
        inst.each_operand(&mut |v| {
            views.each_base(v, &mut |base| {
                last.insert(base, at);
            });
        });
    }
    let mut change = vec![(0usize, 0usize); block.insts.len() + 1];
    for (at, inst) in block.insts.iter().enumerate() {
        inst.each_result(&mut |v| {
            if !views.is_view(v) && !out.contains(&v) {
                let size = bytes(types, v);
                change[at].0 += size;
                change[last.get(&v).copied().unwrap_or(at) + 1].1 += size;
            }
        });
    }
    let (mut now, mut most) = (0usize, 0);
    for (inst, (more, less)) in block.insts.iter().zip(&change) {
        now = (now + more).saturating_sub(*less);
        let inside = match inst {
            Inst::Loop(l) => of_block(&l.body, types, views),
            Inst::Op(_) | Inst::Call(_) | Inst::PullbackCall(_) => 0,
        };
        most = most.max(now + inside);
    }
    most
}
