//! How long kernels and phases take, by estimate: what decides which runs threads share.

use crate::cost::cost;
use crate::kernel::{Class, Kernel};

/// What a thread does in a nanosecond at the most: operations of a product, in wide tiles that are never
/// short of operands.
const PRODUCT: usize = 150;
/// Operations of a map or a reduction, in vectors of elements from the nearest cache.
const VECTORS: usize = 48;
/// Bytes from and to the second cache.
const STREAM: usize = 32;
/// Steps of values that run along rows, in vectors.
const RUNNING: usize = 4;
/// Nanoseconds between the end of the slowest share of a phase and the start of the next phase: two lines of
/// the cache go from one processor to another.
const BARRIER: usize = 1_000;
/// Nanoseconds that a step on several threads takes longer than its phases: others are called, and leave.
const CALLING: usize = 5_000;
/// Nanoseconds that a share takes at the least: shorter ones gain no more than the barriers behind them take,
/// and what another processor wrote is read more slowly.
pub(super) const LEAST_SHARE: usize = 3_000;

/// Nanoseconds that a run of a kernel takes one thread at the least. An estimate that is never much too long:
/// what is longer gains more by being shared.
pub(super) fn nanoseconds(kernel: &Kernel) -> usize {
    let cost = cost(kernel);
    let operations = match &kernel.class {
        Class::Contract(_) => cost.flops / PRODUCT,
        Class::Nest(_) => cost.flops / VECTORS,
        Class::Scan(_) => cost.flops / RUNNING,
        Class::Scatter(_) | Class::Sort(_) => cost.flops,
    };
    operations.max(cost.read.saturating_add(cost.written) / STREAM)
}

/// Nanoseconds of a phase whose longest share takes so many.
pub(super) fn phase(longest: usize) -> usize {
    longest.saturating_add(BARRIER)
}

/// Whether a step that takes one thread so many nanoseconds is worth several, of whose phases it would take so
/// many: they must gain what can be told from chance, on a machine that has other things to do as well.
pub(super) fn gains(alone: usize, phases: usize) -> bool {
    phases.saturating_add(CALLING).saturating_add(alone / 8) < alone
}
