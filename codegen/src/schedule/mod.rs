//! From linked programs to kernels: what is fused with what, what is stored, in which order.
//!
//! The road of one part: `graph` (values with extents; `rewrite` simplifies on the way) → `memory`
//! (which values may be stored, and where; `probe` finds what each reads, `operand` whether a
//! contraction computes what it multiplies) → `cluster` (which run in
//! one kernel) → `emit` and `movement` (expressions by `eval`, then `nest` and `product`, dims merged
//! by `merge`) → order, and places in the arena (here and in [`crate::plan`]).
//!
//! What decides, in few numbers: bytes count, arithmetic is repeated rather than stored. A value is
//! stored only for another kernel or as a result; of a chain that leads on from a root, its last link.
//! An operand of contractions that is cheap and follows from no kernel is computed where it is used
//! (`operand`: work of 10 instructions, twice the bytes, 3 regions).
//! A row is fused with what follows it unless it is long and few run beside it (`cluster`: 4096
//! elements, 64 rows); a reduction of more than 4096 elements takes two steps (`rewrite`); a scatter of at most 4 updates a row is compared per element.
//! [`crate::explain`] shows the outcome with its bytes and operations.

mod affine;
mod assemble;
mod bind;
mod cluster;
mod emit;
mod eval;
mod graph;
mod memory;
mod merge;
mod movement;
mod nest;
mod operand;
mod probe;
mod product;
mod rewrite;
mod touch;

use crate::kernel::{Region, RegionId, RegionKind, Regions, Schedule, SlotId};
use crate::plan::{Lifetime, plan};
use crate::verify::{VerifyError, verify};
use emit::{Group, Made};
use memory::{Draft, Memory};
#[cfg(feature = "cpu")]
pub(crate) use merge::visit_code;
use sinew_ir::{Function, Value};
use std::collections::{BTreeMap, BTreeSet};
pub(crate) use touch::{Touch, touches};

/// Where a program finds an input or puts an output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Place {
    /// The region; never the arena, which only the scheduler uses.
    pub region: RegionId,
    /// The first byte in it, a multiple of the element's size.
    pub offset: usize,
}

/// A part of a step: a linked program with the places of its parameters and results.
///
/// An output may lie exactly where an input lies: it is then updated in place, after everything has
/// read the input. Outputs may not overlap each other.
#[derive(Clone, Debug)]
pub struct Part<'a> {
    /// Its name in the schedule, which no other part has.
    pub name: &'a str,
    /// The program: no calls, literal dims, no working float.
    pub program: &'a Function,
    /// One a parameter.
    pub inputs: Vec<Place>,
    /// One a result.
    pub outputs: Vec<Place>,
}

/// Why programs could not be scheduled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// A function that is not a program yet.
    #[error("not a linked program: {0}")]
    NotLinked(String),
    /// A loop: a schedule is a list of kernels, each run once.
    #[error("a program with a loop cannot be scheduled: a schedule has no loops")]
    Loop,
    /// A value that nothing defines.
    #[error("{0} is not defined")]
    Undefined(Value),
    /// An op with attributes that its table entry would refuse.
    #[error("`{0}` has attributes that its entry in the op table refuses")]
    Attributes(&'static str),
    /// Another number of places than of parameters or results.
    #[error("`{name}` has {values} {what}, and {places} places are given")]
    Places {
        /// The program.
        name: String,
        /// `parameters` or `results`.
        what: &'static str,
        /// How many it has.
        values: usize,
        /// How many places came.
        places: usize,
    },
    /// A place outside its region, in the arena, not aligned, or an output in a region that is not
    /// written.
    #[error("the place of {what} of `{name}`: {problem}")]
    Place {
        /// The program.
        name: String,
        /// The parameter or result.
        what: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// Two results of one program in overlapping places.
    #[error("results {first} and {second} of `{name}` overlap")]
    Overlap {
        /// The program.
        name: String,
        /// The first result.
        first: usize,
        /// The other.
        second: usize,
    },
    /// An index that no kernel can express, not even after a copy: a mistake in the scheduler.
    #[error("no kernel expresses the index of {0}")]
    NoIndex(Value),
    /// Kernels that wait for each other: a mistake in the scheduler.
    #[error("the kernels of `{0}` wait for each other")]
    Cycle(String),
    /// Kernels that break the rules of kernel IR: a mistake in the scheduler.
    #[error("a kernel breaks a rule: {0}")]
    Invalid(#[from] VerifyError),
}

/// Makes one schedule of programs that run one after the other.
///
/// # Errors
/// Programs that are not linked, places that do not fit; see [`ScheduleError`].
pub fn schedule(parts: &[Part<'_>], regions: Regions) -> Result<Schedule, ScheduleError> {
    let mut out = Schedule::new(regions);
    let mut lifetimes: BTreeMap<usize, Lifetime> = BTreeMap::new();
    for part in parts {
        let scheduled = one_part(part, &out.regions)?;
        assemble::append(&mut out, &mut lifetimes, part.name, scheduled);
    }
    let (offsets, total) = plan(&lifetimes.values().copied().collect::<Vec<_>>());
    for (buffer, offset) in lifetimes.keys().zip(offsets) {
        out.buffers[*buffer].offset = offset;
    }
    for region in &mut out.regions {
        if region.kind == RegionKind::Arena {
            region.bytes = total;
        }
    }
    verify(&out)?;
    Ok(out)
}

/// The kernels of one part.
struct Scheduled {
    /// In order.
    made: Vec<Made>,
    buffers: Vec<Draft>,
    /// The label of each value of its graph.
    names: Vec<String>,
}

fn one_part(part: &Part<'_>, regions: &[Region]) -> Result<Scheduled, ScheduleError> {
    // What follows indexes shapes by the axes that attributes name.
    sinew_ir::verify_stage(part.program, sinew_ir::Stage::Bound)
        .map_err(|e| ScheduleError::NotLinked(e.to_string()))?;
    let (buffers, inputs) = part_buffers(part, regions)?;
    let outputs: Vec<usize> = (inputs..buffers.len()).collect();
    let mut staged: Vec<usize> = Vec::new();
    loop {
        let memory = Memory::decide(part.program, buffers.clone(), &outputs, &staged)?;
        let clusters = cluster::group(&memory);
        let groups = emit::emit(&memory, &clusters)?;
        match in_order(groups, &memory.buffers, inputs, &outputs, &staged) {
            Ok(made) => {
                let names = memory
                    .graph
                    .nodes
                    .iter()
                    .map(|n| match part.program.params.get(n.value.index()) {
                        Some(p) => p.name.clone(),
                        None => n.value.to_string(),
                    })
                    .collect();
                return Ok(Scheduled {
                    made,
                    buffers: memory.buffers,
                    names,
                });
            }
            Err(more) if !more.is_empty() => staged.extend(more),
            Err(_) => return Err(ScheduleError::Cycle(part.program.name.clone())),
        }
    }
}

/// The buffers of parameters and results, checked.
fn part_buffers(part: &Part<'_>, regions: &[Region]) -> Result<(Vec<Draft>, usize), ScheduleError> {
    let program = part.program;
    let count = |what, values, places| match values == places {
        true => Ok(()),
        false => Err(ScheduleError::Places {
            name: program.name.clone(),
            what,
            values,
            places,
        }),
    };
    count("parameters", program.params.len(), part.inputs.len())?;
    count("results", program.body.results.len(), part.outputs.len())?;
    let mut out = Vec::new();
    let params = (0..program.params.len()).map(|p| {
        let value = Value(u32::try_from(p).unwrap_or(u32::MAX));
        (program.params[p].name.clone(), value, part.inputs[p], false)
    });
    let results = program.body.results.iter().zip(&part.outputs);
    let results = results.map(|(value, place)| (value.to_string(), *value, *place, true));
    for (name, value, place, output) in params.chain(results) {
        let of = program
            .values
            .get(value.index())
            .ok_or(ScheduleError::Undefined(value))?;
        let problem = |problem| ScheduleError::Place {
            name: program.name.clone(),
            what: name.clone(),
            problem,
        };
        let elements: usize = of
            .shape
            .extents()
            .ok_or_else(|| ScheduleError::NotLinked(format!("{value} has no extents")))?
            .iter()
            .product();
        let size = of
            .dtype
            .size()
            .ok_or_else(|| ScheduleError::NotLinked(format!("{value} has no element type")))?;
        let index = place.region.0 as usize;
        let region = regions.get(index).ok_or(problem("no such region"))?;
        if region.kind == RegionKind::Arena {
            return Err(problem("it is in the arena"));
        }
        if !place.offset.is_multiple_of(size) {
            return Err(problem("it is not aligned to its elements"));
        }
        let end = elements
            .checked_mul(size)
            .and_then(|b| b.checked_add(place.offset));
        if end.is_none_or(|e| e > region.bytes) {
            return Err(problem("it leaves the region"));
        }
        if output && !region.kind.is_written() {
            return Err(problem("the region is not written"));
        }
        out.push(Draft {
            name,
            place: Some((place.region, place.offset)),
            dtype: of.dtype,
            elements,
        });
    }
    let inputs = program.params.len();
    for second in inputs..out.len() {
        for first in inputs..second {
            if overlap(&out[first], &out[second]) {
                return Err(ScheduleError::Overlap {
                    name: program.name.clone(),
                    first: first - inputs,
                    second: second - inputs,
                });
            }
        }
    }
    Ok((out, inputs))
}

fn bytes(draft: &Draft) -> usize {
    draft.elements * draft.dtype.size().unwrap_or(8)
}

/// Whether two buffers with places share bytes.
fn overlap(a: &Draft, b: &Draft) -> bool {
    match (a.place, b.place) {
        (Some((r, x)), Some((s, y))) => r == s && x < y + bytes(b) && y < x + bytes(a),
        _ => false,
    }
}

/// Orders the kernels: after what they read; those that write over inputs after all that read these.
///
/// # Errors
/// The results that must be computed elsewhere and copied at the end; none where that cannot help.
fn in_order(
    groups: Vec<Group>,
    buffers: &[Draft],
    inputs: usize,
    outputs: &[usize],
    staged: &[usize],
) -> Result<Vec<Made>, Vec<usize>> {
    let mut after: Vec<BTreeSet<usize>> = groups.iter().map(|g| g.after.clone()).collect();
    // Of a kernel that is being made: the number of a buffer stands where a slot's will.
    let index = |id: SlotId| id.0 as usize;
    let mut conflicts = BTreeSet::new();
    let mut in_place: Vec<(usize, usize)> = Vec::new();
    for (r, output) in outputs.iter().enumerate() {
        if staged.contains(&r) {
            continue;
        }
        let over: Vec<usize> = (0..inputs)
            .filter(|i| overlap(&buffers[*i], &buffers[*output]))
            .collect();
        if over.is_empty() {
            continue;
        }
        let writes = |g: &Group| {
            let mut touches = g.made.iter().flat_map(|m| touches(&m.class));
            touches.any(|t| t.stores && index(t.access.slot) == *output)
        };
        for (w, writer) in groups.iter().enumerate().filter(|(_, g)| writes(g)) {
            in_place.push((w, r));
            for (g, reader) in groups.iter().enumerate() {
                let mut touched = reader.made.iter().flat_map(|m| touches(&m.class));
                if g != w && touched.any(|t| t.loads && over.contains(&index(t.access.slot))) {
                    after[w].insert(g);
                }
            }
            if !same_place(writer, &over, *output, buffers) {
                conflicts.insert(r);
            }
        }
    }
    if !conflicts.is_empty() {
        return Err(conflicts.into_iter().collect());
    }
    let mut slots: Vec<Option<Group>> = groups.into_iter().map(Some).collect();
    let mut order = Vec::new();
    let mut waiting: Vec<usize> = (0..slots.len()).collect();
    waiting.sort_by_key(|g| slots[*g].as_ref().map(|g| g.position));
    let mut done = vec![false; slots.len()];
    while !waiting.is_empty() {
        let ready = waiting
            .iter()
            .position(|g| after[*g].iter().all(|d| done[*d] || d == g));
        let Some(ready) = ready else {
            let stuck = in_place.iter().filter(|(w, _)| waiting.contains(w));
            let results: BTreeSet<usize> = stuck.map(|(_, r)| *r).collect();
            return Err(results.into_iter().collect());
        };
        let g = waiting.remove(ready);
        done[g] = true;
        if let Some(group) = slots[g].take() {
            order.extend(group.made);
        }
    }
    Ok(order)
}

/// Whether a group that writes `output` reads the inputs under it only at the same index, before.
fn same_place(group: &Group, over: &[usize], output: usize, buffers: &[Draft]) -> bool {
    let mut written = false;
    for made in &group.made {
        let all = touches(&made.class);
        for load in all.iter().filter(|t| t.loads) {
            let from = load.access.slot.0 as usize;
            if !over.contains(&from) {
                continue;
            }
            let same_buffer = buffers[from].place == buffers[output].place
                && buffers[from].dtype == buffers[output].dtype;
            if written || !same_buffer || !load.plain {
                return false;
            }
            for store in all.iter().filter(|t| t.stores) {
                let (a, b) = (&load.access, &store.access);
                let same = a.offset == b.offset && a.strides == b.strides;
                let into = b.slot.0 as usize == output;
                if into && !(same && store.plain && load.stage <= store.stage) {
                    return false;
                }
            }
        }
        written |= all
            .iter()
            .any(|t| t.stores && t.access.slot.0 as usize == output);
    }
    true
}
