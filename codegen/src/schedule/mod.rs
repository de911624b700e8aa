//! From linked programs to kernels: what is fused with what, what is stored, in which order.
//!
//! The road of one part: `given` checks where its parameters and results lie, `program` cuts it into loops
//! and the stretches of operations between them, by `section`. The road of a stretch:
//!
//! 1. `graph`: values with extents, and what defines each (`instruction`, simplified by `rewrite`). What
//!    passes ask of a definition is answered in `definition`.
//! 2. `storage`: which values may be stored (by `materialise`), and where. `probe` finds what each reads,
//!    `operand` whether a contraction computes what it multiplies.
//! 3. `cluster`: which values run in one kernel, by `fit` and `join`; `block_sum`: which sums over rows
//!    run in the pass of the kernel that has the rows.
//! 4. `emit` and `opaque`: the kernels, as expressions (`eval`) that become a `nest` with its `row_array`s, a
//!    `product`, or what `movement` and `line` make; `merge` makes one of neighbouring dims.
//! 5. `order`: which kernel runs when.
//!
//! Then `assemble` puts the part into the schedule, with equal kernels once (`bind`), and [`crate::plan`]
//! finds places in the arena and in memory of turns.
//!
//! What decides: bytes count, arithmetic is repeated rather than stored. A value is stored only for
//! another kernel or as a result; of a chain that leads on from a root, its last link. What stages of a
//! kernel need again they compute again or keep for the row, whichever is cheaper. Prices and limits
//! stand in [`crate::cost`], the reasons of all choices in [`crate::decision`].
//! [`crate::explain`] shows the outcome with its bytes and operations, and the reasons.

mod affine;
mod assemble;
mod bind;
mod block_sum;
mod cluster;
mod definition;
mod emit;
mod eval;
mod fit;
mod given;
mod graph;
mod in_place;
mod instruction;
mod join;
mod line;
mod materialise;
mod merge;
mod movement;
mod nest;
mod opaque;
mod operand;
mod order;
mod probe;
mod product;
mod program;
mod rewrite;
mod row_array;
mod section;
mod storage;

use crate::cost::Target;
use crate::decision::{Decision, PartDecisions};
use crate::kernel::{RegionId, Regions, Schedule};
use crate::plan::{Lifetime, plan};
use crate::verify::apart::apart;
use crate::verify::{VerifyError, verify};
use emit::Made;
use given::part_buffers;
#[cfg(feature = "cpu")]
pub(crate) use merge::{merge_group, visit_code};
use order::in_order;
use sinew_ir::{Function, Type, Value};
use std::collections::{BTreeMap, BTreeSet};
use storage::{OpenBuffer, Site, Storage};

/// Where a program finds an input or puts an output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RegionOffset {
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
    pub inputs: Vec<RegionOffset>,
    /// One a result.
    pub outputs: Vec<RegionOffset>,
}

/// Why programs could not be scheduled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// A function that is not a program yet.
    #[error("not a linked program: {0}")]
    NotLinked(String),
    /// A loop whose trip count is not known, or 0: the simplifier takes such loops out.
    #[error("a program with a loop of {0} iterations cannot be scheduled")]
    Loop(String),
    /// A value that nothing defines.
    #[error("{0} is not defined")]
    Undefined(Value),
    /// An op with attributes that its table entry would refuse.
    #[error("`{0}` has attributes that its entry in the op table refuses")]
    Attributes(&'static str),
    /// A value of more bytes than memory can have ([`sinew_ir::MAX_BYTES`]).
    #[error("{value}: {ty} is too large for any memory")]
    TooLarge {
        /// The value.
        value: Value,
        /// Its element type and shape.
        ty: String,
    },
    /// Values that are alive together and have more bytes than memory can have.
    #[error(
        "the arena is too large for any memory: there is no place for {name}, of {elements} elements"
    )]
    Arena {
        /// The value that had no place left.
        name: String,
        /// Its elements.
        elements: usize,
    },
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
    RegionOffset {
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

impl ScheduleError {
    fn too_large(value: Value, ty: &Type) -> ScheduleError {
        ScheduleError::TooLarge {
            value,
            ty: ty.to_string(),
        }
    }
}

/// Makes one schedule of programs that run one after the other.
///
/// # Errors
/// Programs that are not linked, places that do not fit; see [`ScheduleError`].
pub fn schedule(
    parts: &[Part<'_>],
    regions: Regions,
    target: Target,
) -> Result<Schedule, ScheduleError> {
    schedule_with_decisions(parts, regions, target).map(|(schedule, _)| schedule)
}

/// [`schedule`], with what was decided on the way, for [`crate::explain::decisions`].
///
/// # Errors
/// Those of [`schedule`].
pub fn schedule_with_decisions(
    parts: &[Part<'_>],
    regions: Regions,
    target: Target,
) -> Result<(Schedule, Vec<PartDecisions>), ScheduleError> {
    let given = regions.clone().list();
    let (mut decided, mut cuts) = (Vec::new(), Vec::new());
    for part in parts {
        // What follows indexes shapes by the axes that attributes name.
        sinew_ir::verify_stage(part.program, sinew_ir::Stage::Bound)
            .map_err(|e| ScheduleError::NotLinked(e.to_string()))?;
        let (inputs, outputs) = part_buffers(part, &given)?;
        let cut = program::cut_program(part.program, inputs, outputs, target)?;
        decided.push(PartDecisions {
            part: part.name.to_owned(),
            decisions: each_once(decisions(&cut.items)),
        });
        cuts.push((part.name, cut));
    }
    let mut out = assembled(&cuts, regions.clone(), target.shares_turns())?;
    if !apart(&out)? {
        // Turn by turn such loops are right in any case.
        out = assembled(&cuts, regions, false)?;
    }
    verify(&out)?;
    Ok((out, decided))
}

/// The schedule of parts, in which loops may have turns that stand apart.
fn assembled(
    cuts: &[(&str, program::Cut)],
    regions: Regions,
    turns_apart: bool,
) -> Result<Schedule, ScheduleError> {
    let mut out = Schedule::new(regions);
    let mut lifetimes: BTreeMap<usize, Lifetime> = BTreeMap::new();
    for (name, cut) in cuts {
        assemble::append_part(&mut out, &mut lifetimes, (name, cut), turns_apart);
    }
    for region in 0..out.regions.len() {
        if out.regions[region].kind.is_planned() {
            place_values(&mut out, region, &lifetimes)?;
        }
    }
    Ok(out)
}

/// Gives places to the values of a region by a plan, and the region its size.
fn place_values(
    out: &mut Schedule,
    region: usize,
    lifetimes: &BTreeMap<usize, Lifetime>,
) -> Result<(), ScheduleError> {
    let inside = |buffer: &usize| out.buffers[*buffer].region.0 as usize == region;
    let inside = lifetimes.iter().filter(|(buffer, _)| inside(buffer));
    let (buffers, values): (Vec<usize>, Vec<Lifetime>) = inside.map(|(b, l)| (*b, *l)).unzip();
    let (offsets, total) = plan(&values).map_err(|full| {
        let buffer = buffers.get(full.value);
        let buffer = buffer.and_then(|b| out.buffers.get(*b));
        ScheduleError::Arena {
            name: buffer.map_or_else(String::new, |b| b.name.clone()),
            elements: buffer.map_or(0, |b| b.elements),
        }
    })?;
    for (buffer, offset) in buffers.into_iter().zip(offsets) {
        out.buffers[buffer].offset = offset;
    }
    out.regions[region].bytes = total;
    Ok(())
}

/// What was decided in all stretches of a program, in their order.
fn decisions(items: &[program::Item]) -> Vec<Decision> {
    let mut out: Vec<Decision> = Vec::new();
    for item in items {
        match item {
            program::Item::Kernels(scheduled) => out.extend_from_slice(&scheduled.decisions),
            program::Item::Loop { items, .. } => out.extend(decisions(items)),
        }
    }
    out
}

/// The decisions without those that another stretch has made before, or that tell of one operation
/// whose values are fused with each other.
fn each_once(mut decisions: Vec<Decision>) -> Vec<Decision> {
    let mut known = BTreeSet::new();
    decisions.retain(|d| !d.is_of_one_value() && known.insert(d.clone()));
    decisions
}

/// The kernels of a stretch of a program without loops.
struct Scheduled {
    /// In order.
    made: Vec<Made>,
    buffers: Vec<OpenBuffer>,
    /// The label of each value of its graph.
    names: Vec<String>,
    /// What was decided of them, and why.
    decisions: Vec<Decision>,
}

/// Schedules a function without loops. Its parameters lie in `inputs`, its results go to `outputs`;
/// `label` names its values.
fn schedule_stretch(
    function: &Function,
    label: &dyn Fn(Value) -> String,
    inputs: Vec<OpenBuffer>,
    outputs: Vec<OpenBuffer>,
    target: Target,
) -> Result<Scheduled, ScheduleError> {
    let count = inputs.len();
    let buffers: Vec<OpenBuffer> = inputs.into_iter().chain(outputs).collect();
    let outputs: Vec<usize> = (count..buffers.len()).collect();
    let mut staged: Vec<usize> = Vec::new();
    loop {
        let mut storage = Storage::decide(function, buffers.clone(), &outputs, &staged, target)?;
        let mut clusters = cluster::group_values(&storage);
        block_sum::add_in_blocks(&mut storage, &mut clusters);
        let groups = emit::make_groups(&storage, &clusters)?;
        match in_order(groups, &storage.buffers, count, &outputs, &staged) {
            Ok(made) => {
                let nodes = storage.graph.nodes.iter();
                let names: Vec<String> = nodes.map(|n| label(n.value)).collect();
                let mut decisions = storage.decisions;
                decisions.extend(clusters.decisions());
                decisions.extend(made.iter().flat_map(|m| m.decisions.iter().cloned()));
                return Ok(Scheduled {
                    decisions: decisions
                        .iter()
                        .map(|d| d.map(|id| names[*id].clone()))
                        .collect(),
                    made,
                    names,
                    buffers: storage.buffers,
                });
            }
            Err(more) if !more.is_empty() => staged.extend(more),
            Err(_) => return Err(ScheduleError::Cycle(function.name.clone())),
        }
    }
}

fn bytes(draft: &OpenBuffer) -> usize {
    draft.elements * draft.dtype.size().unwrap_or(8)
}

/// Whether two buffers at sites share bytes.
fn overlap(a: &OpenBuffer, b: &OpenBuffer) -> bool {
    match (a.site, b.site) {
        (Some(Site::Given(r, x)), Some(Site::Given(s, y))) => {
            r == s && x < y + bytes(b) && y < x + bytes(a)
        }
        (Some(Site::Shared(a)), Some(Site::Shared(b))) => a == b,
        (Some(Site::Given(..)), Some(Site::Shared(_)))
        | (Some(Site::Shared(_)), Some(Site::Given(..)))
        | (None, _)
        | (_, None) => false,
    }
}
