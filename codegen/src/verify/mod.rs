//! The verifier of kernel IR. Emitted machine code relies on it for memory safety, so it runs on
//! every schedule before emission, in release too; it costs microseconds a kernel and a run.
//!
//! It holds, of a schedule's memory:
//! 1. Regions, kernels and parts differ in name, and one region at most is the arena. Buffers lie
//!    inside of regions that are there, at multiples of their element size; element types have a size.
//!
//! Of each kernel (`kernel`):
//! 2. Every register and slot that is used is there; an instruction uses only registers defined before
//!    it, of the types its [`Scalar`](sinew_ir::Scalar) asks for, and has no working float; loads and
//!    stores are of the slot's type. Indices that are computed are i32. Row registers are set once, of
//!    their type, before use, and only in nests; bools are not reduced; halves are moved, chosen, and cast to
//!    and from f32, and nothing else is done with them; the accumulator stands only in epilogues and scans.
//!    Row arrays hold numbers that a stage computes for every element of the row, no
//!    more than memory has; later stages of that kind read them, one of them at least. A contraction is of
//!    f32 or f64 and so are its operands; a scatter's updates are of its target's type; what is sorted are
//!    numbers, into i32. Operands and what a scatter adds store nothing.
//! 3. Parallel spaces are not empty; strides have one entry a dim of the space, in row stages 0 along the
//!    row; a nest without inner dims is one row stage. A contraction has rows, columns and a contracted
//!    dim; an axis of gathers and scatters has an extent, and one that is sorted no more than an i32 counts.
//! 4. Every access stays inside its slot wherever its guards hold (interval arithmetic in 64 bits); guards
//!    and indices stay in 32 bits.
//! 5. Stores are injective over the space (a scatter's target at every place of its axis, where updates do
//!    not move it), and two stores of a kernel never meet. They have no guards, nor have a sort's keys.
//!    What adds does so for elements of a nest's rows, in f32 or f64, at one place for all rows along the
//!    last outer dim, from where the nest loads nothing.
//! 6. A kernel loads from where it stores only at the same place and not in a later stage; a scatter
//!    does not load from its target, a contraction's operands do not overlap its stores.
//! 7. A slot says of itself what the code does with it: read, write, or both.
//!
//! Of each run (`run`):
//! 8. It is of a kernel that is there, and binds each slot to a range inside a buffer of the slot's element
//!    type, in every turn of the loops around it, with a step for each. Written slots lie in written
//!    regions. Two slots share memory only where neither is written. Loops have a turn. Cuts rise inside of
//!    the kernel's axis.
//!
//! Of all runs together (`memory`):
//! 9. What is read of the arena and of outputs was written before in the same run of the schedule, and
//!    in the arena nothing else was written over it: no two buffers that hold something overlap. Memory of a turn
//!    holds nothing when a turn begins, and is touched in loops alone whose turns stand apart.
//!
//! Of loops whose turns stand apart (`apart`):
//! 10. No turn touches what another one writes, but for memory of a turn. Such a loop stands in another only as all
//!     that this does in a turn.

pub(crate) mod apart;
mod band;
mod code;
mod kernel;
mod memory;
mod run;
mod turns;

use crate::kernel::{Buffer, Node, RegionKind, Schedule};

/// A rule that a schedule breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub struct VerifyError {
    /// The kernel, the buffer or the region.
    pub place: String,
    /// The rule, with the values.
    pub what: String,
}

type Check = Result<(), String>;

fn fail(place: &str, what: impl Into<String>) -> VerifyError {
    VerifyError {
        place: place.to_string(),
        what: what.into(),
    }
}

/// Checks a schedule against the rules in this file's header.
///
/// # Errors
/// The first broken rule.
pub fn verify(schedule: &Schedule) -> Result<(), VerifyError> {
    distinct(schedule.regions.iter().map(|r| r.name.as_str()))
        .map_err(|name| fail(name, "two regions of this name"))?;
    let mut arenas = schedule
        .regions
        .iter()
        .filter(|r| r.kind == RegionKind::Arena);
    if let Some(second) = arenas.nth(1) {
        return Err(fail(&second.name, "a second arena"));
    }
    for buffer in &schedule.buffers {
        verify_buffer(schedule, buffer).map_err(|e| fail(&buffer.name, e))?;
    }
    for kernel in &schedule.kernels {
        kernel::kernel(kernel).map_err(|e| fail(&kernel.name, e))?;
    }
    distinct(schedule.kernels.iter().map(|k| k.name.as_str()))
        .map_err(|name| fail(name, "two kernels of this name"))?;
    let mut parts = Vec::new();
    part_names(&schedule.nodes, &mut parts);
    distinct(parts.into_iter()).map_err(|name| fail(name, "two parts of this name"))?;
    run::runs(schedule)?;
    if !apart::apart(schedule)? {
        return Err(fail(
            "loop",
            "it takes too long to tell whether its turns stand apart",
        ));
    }
    memory::memory(schedule)
}

fn part_names<'a>(nodes: &'a [Node], out: &mut Vec<&'a str>) {
    for node in nodes {
        match node {
            Node::Run(_) => {}
            Node::Loop(l) => part_names(&l.body, out),
            Node::Part(part) => {
                out.push(&part.name);
                part_names(&part.nodes, out);
            }
        }
    }
}

/// Whether names differ; one that is there twice.
fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), &'a str> {
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    match names.windows(2).find(|p| p[0] == p[1]) {
        Some(pair) => Err(pair[0]),
        None => Ok(()),
    }
}

fn verify_buffer(schedule: &Schedule, buffer: &Buffer) -> Check {
    let region = schedule
        .regions
        .get(buffer.region.0 as usize)
        .ok_or("no such region")?;
    let size = buffer.dtype.size().ok_or("element type without a size")?;
    let bytes = buffer.elements.checked_mul(size);
    let end = bytes.and_then(|b| b.checked_add(buffer.offset));
    if end.is_none_or(|e| e > region.bytes) {
        return Err(format!("leaves region `{}`", region.name));
    }
    if !buffer.offset.is_multiple_of(size) {
        return Err("not aligned to its elements".into());
    }
    Ok(())
}
