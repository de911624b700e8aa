//! What kernels and instructions cost, in counts: what [`crate::explain`] prints and choices weigh.

use crate::kernel::{Class, Code, Kernel, ScalarKind, Stage};
use crate::schedule::touches;
pub use sinew_ir::scalar::TRANSCENDENTAL;
use std::collections::BTreeMap;

/// What a kernel costs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Cost {
    /// Distinct bytes it reads.
    pub read: usize,
    /// Distinct bytes it writes.
    pub written: usize,
    /// Floating-point operations, a transcendental function counted as [`TRANSCENDENTAL`].
    pub flops: usize,
}

/// The cost of a run of a kernel.
pub fn cost(kernel: &Kernel) -> Cost {
    let mut cost = Cost {
        flops: flops(&kernel.class),
        ..Cost::default()
    };
    // The widest access of each slot counts.
    let mut bytes: BTreeMap<(u32, bool), usize> = BTreeMap::new();
    for touch in touches(&kernel.class) {
        let Some(slot) = kernel.slots.get(touch.access.slot.0 as usize) else {
            continue;
        };
        let most = touch.times.min(slot.elements) * slot.dtype.size().unwrap_or(8);
        for (done, store) in [(touch.loads, false), (touch.stores, true)] {
            if done {
                let entry = bytes.entry((touch.access.slot.0, store)).or_insert(0);
                *entry = (*entry).max(most);
            }
        }
    }
    for ((_, store), n) in bytes {
        match store {
            true => cost.written += n,
            false => cost.read += n,
        }
    }
    cost
}

fn flops(class: &Class) -> usize {
    match class {
        Class::Nest(nest) => {
            let rows: usize = nest.outer.iter().product();
            let row: usize = nest.inner.iter().product();
            let stage_flops = |stage: &Stage| match stage {
                Stage::Row { code, .. } => rows * code_flops(code),
                Stage::Each { code, reduces } => rows * row * (code_flops(code) + reduces.len()),
            };
            nest.stages.iter().map(stage_flops).sum()
        }
        Class::Contract(c) => {
            let [m, n, k] = c.extents();
            let left = m * k * code_flops(&c.lhs.code);
            let right = k * n * code_flops(&c.rhs.code);
            let batch: usize = c.batch.iter().product();
            // Its operands and its result are of a size that memory has; their product need not be.
            let sums = (m * n).saturating_mul(2 * k + code_flops(&c.epilogue));
            batch.saturating_mul(sums.saturating_add(left + right))
        }
        Class::Scatter(s) => {
            s.outer.iter().product::<usize>() * s.updates * (1 + code_flops(&s.code))
        }
    }
}

fn code_flops(code: &Code) -> usize {
    let price = |kind: &ScalarKind| match kind {
        ScalarKind::Apply(scalar, _) => scalar.flops(),
        ScalarKind::Load(_)
        | ScalarKind::Gather { .. }
        | ScalarKind::Const(_)
        | ScalarKind::Index { .. }
        | ScalarKind::Row(_)
        | ScalarKind::Accumulator => 0,
    };
    code.insts.iter().map(|i| price(&i.kind)).sum()
}
