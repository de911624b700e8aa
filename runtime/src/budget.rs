//! Steps within a budget of memory: what does not fit is compiled again, with values that are computed again
//! rather than kept until the reverse pass uses them.
//!
//! Programs are tried from the one that computes the least again, and the first one is taken whose memory
//! plan fits. What counts is what the plan is: values between kernels, stacks of loops among them, and
//! memory of turns of loops and scratch, of which each thread has its own. If none fits, the same is tried on one thread.

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::executable::{Executable, Linked, Planned, Source};
use sinew_codegen::kernel::{Node, Run, Schedule};
use sinew_ir::{Again, Function, Gradient, Inst, Value, Why, recomputed};
use std::collections::BTreeMap;
use std::fmt;

/// How many values an error names.
const NAMED: usize = 3;

/// Bytes that a program works in, beside what it is given and gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Working {
    /// Values between kernels.
    pub arena: usize,
    /// Values that live in one turn of a loop, once for each thread.
    pub turn: usize,
    /// What kernels need while they run.
    pub scratch: usize,
}

impl Working {
    /// All of them.
    pub fn bytes(self) -> usize {
        let between = self.arena.saturating_add(self.turn);
        between.saturating_add(self.scratch)
    }
}

impl fmt::Display for Working {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Working {
            arena,
            turn,
            scratch,
        } = self;
        let all = self.bytes();
        let turn = match turn {
            0 => String::new(),
            turn => format!(", turn {turn}"),
        };
        write!(f, "{all} bytes (arena {arena}{turn}, scratch {scratch})")
    }
}

/// What was done to fit a budget.
#[derive(Debug)]
pub(crate) struct Fitted {
    budget: usize,
    /// Where everything is kept.
    before: Working,
    /// As it is.
    after: Working,
    /// Operations that are done more.
    flops: u64,
    again: Vec<Again>,
}

/// Compiles a step whose gradient is `gradient`, and which `source` makes of a gradient, within a budget.
///
/// # Errors
/// [`Error::MemoryBudget`]; as [`Executable::compile`].
pub(crate) fn compile_within(
    engine: &Engine,
    budget: usize,
    gradient: Gradient,
    source: &dyn Fn(Gradient) -> Result<Source>,
) -> Result<Executable> {
    let planned = |gradient, threads| Planned::new(engine, source(gradient)?, threads);
    let (threads, alone) = (engine.settings.threads, engine.settings.threads.alone());
    let mut plain = planned(gradient.clone(), threads)?;
    let before = plain.working();
    for threads in [threads, alone] {
        if threads != plain.threads() {
            plain = planned(gradient.clone(), threads)?;
        }
        let plan = |gradient| planned(gradient, threads);
        match within((budget, before), plain, &gradient, &plan)? {
            Tried::Fits(planned, fitted) => return planned.compile(engine, fitted),
            Tried::TooLarge(least) => plain = *least,
        }
        if threads == alone {
            break;
        }
    }
    Err(Error::MemoryBudget {
        function: engine.unit.path.into(),
        budget,
        before: before.bytes(),
        least: plain.working().to_string(),
        largest: plain.largest(NAMED),
    })
}

/// What came of a budget.
enum Tried {
    /// A program that fits.
    Fits(Box<Planned>, Option<Fitted>),
    /// None does: the smallest.
    TooLarge(Box<Planned>),
}

/// Finds the first that fits a budget: `plain`, or what `plan` makes of gradients that compute values again. A step
/// works in `before` where everything is kept.
///
/// # Errors
/// As `plan`.
fn within(
    (budget, before): (usize, Working),
    plain: Planned,
    gradient: &Gradient,
    plan: &dyn Fn(Gradient) -> Result<Planned>,
) -> Result<Tried> {
    if plain.working().bytes() <= budget {
        return Ok(Tried::Fits(Box::new(plain), None));
    }
    let mut least = plain;
    for found in recomputed(&gradient.program, gradient.results) {
        let planned = plan(Gradient {
            program: found.program,
            ..gradient.clone()
        })?;
        let after = planned.working();
        tracing::debug!(
            budget,
            bytes = after.bytes(),
            flops = found.flops,
            again = found.again.len(),
            "recomputed"
        );
        if after.bytes() <= budget {
            let fitted = Fitted {
                budget,
                before,
                after,
                flops: found.flops,
                again: found.again,
            };
            return Ok(Tried::Fits(Box::new(planned), Some(fitted)));
        }
        if after.bytes() < least.working().bytes() {
            least = planned;
        }
    }
    Ok(Tried::TooLarge(Box::new(least)))
}

impl fmt::Display for Fitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fitted {
            budget,
            before,
            after,
            flops,
            again,
        } = self;
        writeln!(f, "memory budget {budget} bytes")?;
        writeln!(f, "  all values kept: {before}")?;
        writeln!(f, "  as it is: {after}, for {flops} flop more")?;
        let mut counted: BTreeMap<&Again, usize> = BTreeMap::new();
        for value in again {
            *counted.entry(value).or_default() += 1;
        }
        for (value, times) in counted {
            let at = value
                .location
                .map_or(String::new(), |at| format!(" at {at}"));
            let why = match value.why {
                Why::Half => "with its half of the forward part, behind the reverse of the other",
                Why::Iteration => "in the iteration that uses it",
                Why::Part => "with its part of the loop, in front of the reverse of that",
            };
            let (op, ty, bytes) = (value.op, &value.ty, value.bytes);
            let times = match times {
                1 => String::new(),
                times => format!(", {times} times"),
            };
            writeln!(
                f,
                "  {op}{at} ({ty}, {bytes} bytes) is computed again{times}: {why}"
            )?;
        }
        Ok(())
    }
}

/// The values between kernels that take the most bytes: what each is, where it was written, its bytes.
pub(crate) fn largest(schedule: &Schedule, linked: &[Linked], count: usize) -> Vec<String> {
    let mut found: BTreeMap<usize, String> = BTreeMap::new();
    for (node, part) in schedule.nodes.iter().zip(linked) {
        each_run(std::slice::from_ref(node), &mut |run| {
            for binding in &run.bindings {
                let number = binding.buffer.0 as usize;
                let Some(buffer) = schedule.buffers.get(number) else {
                    continue;
                };
                let region = schedule.regions.get(buffer.region.0 as usize);
                if region.is_some_and(|r| r.kind.is_planned()) {
                    found
                        .entry(number)
                        .or_insert_with(|| made_by(&part.function, &buffer.name));
                }
            }
        });
    }
    let bytes = |number: usize| {
        let buffer = &schedule.buffers[number];
        buffer.elements * buffer.dtype.size().unwrap_or(8)
    };
    let mut sorted: Vec<(usize, String)> = found
        .into_iter()
        .map(|(number, what)| (bytes(number), what))
        .collect();
    sorted.sort_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
    let words = sorted.into_iter().take(count);
    words
        .map(|(bytes, what)| format!("{what}: {bytes}"))
        .collect()
}

fn each_run(nodes: &[Node], f: &mut dyn FnMut(&Run)) {
    for node in nodes {
        match node {
            Node::Part(part) => each_run(&part.nodes, f),
            Node::Loop(l) => each_run(&l.body, f),
            Node::Run(run) => f(run),
        }
    }
}

/// `%7 (dot at src/net.rs:21:24)`, or the name of what no instruction makes.
pub(crate) fn made_by(function: &Function, name: &str) -> String {
    let number = name.strip_prefix('%').and_then(|n| n.parse().ok());
    let mut words = name.to_string();
    if let Some(value) = number.map(Value) {
        function.body.each_inst(&mut |inst: &Inst| {
            if inst.results().contains(&value) {
                let op = inst.op().map_or("loop", |op| op.op.name);
                words = match inst.location() {
                    Some(at) => format!("{name} ({op} at {at})"),
                    None => format!("{name} ({op})"),
                };
            }
        });
    }
    words
}
