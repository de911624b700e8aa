//! A schedule in words: what each kernel does, what rides on it, what it costs, where values live.
//!
//! [`explain`] has one line a run, as the schedule's tree has them; the schedule's own text
//! ([`crate::text`]) has all of it. Both are the same whenever the schedule is. Costs are counts, not
//! times. [`decisions`] says how the kernels came about: what is fused with what, what is stored or
//! kept, and what stood in the way of the rest.

use crate::cost::{Cost, cost};
use crate::decision::PartDecisions;
use crate::kernel::{Kernel, Node, RegionId, Run, Schedule};
use std::fmt::Write;

/// How threads share a schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Threads {
    /// How many there are.
    pub count: usize,
    /// Each run, as the schedule has them in order.
    pub runs: Vec<OnThreads>,
    /// Each loop, as the schedule has them in order: in how many shares its turns are, together with those of the
    /// loops that are all that its turns do. One where they are not shared.
    pub loops: Vec<usize>,
}

/// How threads share a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnThreads {
    /// In how many pieces.
    pub shares: usize,
    /// Whether all of them wait for each other in front of it.
    pub barrier: bool,
}

/// The names of the buffers that a run reads, or writes, in order, each once.
fn names(schedule: &Schedule, kernel: &Kernel, run: &Run, written: bool) -> String {
    let mut out: Vec<&str> = Vec::new();
    for (slot, binding) in kernel.slots.iter().zip(&run.bindings) {
        let it_is = match written {
            true => slot.usage.writes(),
            false => slot.usage.reads(),
        };
        if it_is
            && let Some(buffer) = schedule.buffers.get(binding.buffer.0 as usize)
            && !out.contains(&buffer.name.as_str())
        {
            out.push(&buffer.name);
        }
    }
    match out.is_empty() {
        true => "nothing".into(),
        false => out.join(" "),
    }
}

/// What was told so far.
#[derive(Default)]
struct Told<'t> {
    threads: Option<&'t Threads>,
    runs: usize,
    loops: usize,
    total: Cost,
    out: String,
}

/// The lines of some nodes; runs count `times` times.
fn tree(schedule: &Schedule, nodes: &[Node], (depth, times): (usize, usize), told: &mut Told<'_>) {
    let margin = "  ".repeat(depth);
    for node in nodes {
        match node {
            Node::Part(part) => {
                let _ = writeln!(told.out, "{margin}part {}", part.name);
                tree(schedule, &part.nodes, (depth, times), told);
            }
            Node::Loop(l) => {
                let apart = if l.apart { ", turns apart" } else { "" };
                let shares = told.threads.and_then(|t| t.loops.get(told.loops));
                let shares = match shares {
                    None | Some(0 | 1) => String::new(),
                    Some(shares) => format!(", in {shares} shares"),
                };
                told.loops += 1;
                let _ = writeln!(told.out, "{margin}loop {} times{apart}{shares}", l.trip);
                let inside = (depth + 1, times.saturating_mul(l.trip));
                tree(schedule, &l.body, inside, told);
            }
            Node::Run(run) => {
                let on_threads = told.threads.and_then(|t| t.runs.get(told.runs));
                told.runs += 1;
                let Some(kernel) = schedule.kernel(run) else {
                    continue;
                };
                if on_threads.is_some_and(|run| run.barrier) {
                    let _ = writeln!(told.out, "{margin}barrier");
                }
                let shares = on_threads.map_or(run.cuts.len() + 1, |run| run.shares);
                let c = cost(kernel);
                let total = &mut told.total;
                total.read = total.read.saturating_add(c.read.saturating_mul(times));
                total.written = total
                    .written
                    .saturating_add(c.written.saturating_mul(times));
                total.flops = total.flops.saturating_add(c.flops.saturating_mul(times));
                let _ = writeln!(
                    told.out,
                    "{margin}{}: {}{}; {} <- {}; {} B read, {} B written, {} flop",
                    kernel.name,
                    kernel.class.space_in_words(),
                    match shares {
                        0 | 1 => String::new(),
                        shares => format!(", {shares} shares"),
                    },
                    names(schedule, kernel, run, true),
                    names(schedule, kernel, run, false),
                    c.read,
                    c.written,
                    c.flops
                );
            }
        }
    }
}

/// One line a run with its cost, then the memory plan.
pub fn explain(schedule: &Schedule) -> String {
    explain_on_threads(schedule, None)
}

/// The same, of a schedule that threads share: how many shares each run has, and where barriers stand.
pub fn explain_on_threads(schedule: &Schedule, threads: Option<&Threads>) -> String {
    let mut told = Told {
        threads,
        ..Told::default()
    };
    tree(schedule, &schedule.nodes, (0, 1), &mut told);
    let Told { total, mut out, .. } = told;
    if let Some(threads) = threads {
        let barriers = threads.runs.iter().filter(|run| run.barrier).count();
        let _ = writeln!(out, "{} threads, {barriers} barriers", threads.count);
    }
    let count = schedule.runs().len();
    let _ = writeln!(
        out,
        "{count} runs of {} kernels: {} B read, {} B written, {} flop",
        schedule.kernels.len(),
        total.read,
        total.written,
        total.flops
    );
    for (r, region) in schedule.regions.iter().enumerate() {
        let _ = writeln!(out, "region {} {}: {} B", r, region.name, region.bytes);
        let mut inside: Vec<(usize, usize, &str, String)> = Vec::new();
        for (b, buffer) in schedule.buffers.iter().enumerate() {
            if buffer.region == RegionId(u32::try_from(r).unwrap_or(u32::MAX)) {
                let end = buffer.offset + buffer.elements * buffer.dtype.size().unwrap_or(8);
                inside.push((buffer.offset, end, &buffer.name, runs(schedule, b)));
            }
        }
        inside.sort_unstable();
        for (start, end, name, runs) in inside {
            let _ = writeln!(out, "  {start}..{end} {name}, runs {runs}");
        }
    }
    out
}

/// The first and the last run that touch a buffer.
fn runs(schedule: &Schedule, buffer: usize) -> String {
    let all = schedule.runs();
    let mut touching = all.iter().enumerate().filter(|(_, run)| {
        let mut bindings = run.bindings.iter();
        bindings.any(|b| b.buffer.0 as usize == buffer)
    });
    match touching.next() {
        Some((first, _)) => {
            let last = touching.next_back().map_or(first, |(last, _)| last);
            format!("{first} to {last}")
        }
        None => "none".into(),
    }
}

/// What was decided in each part and why, a line a decision; nothing where nothing was.
pub fn decisions(parts: &[PartDecisions]) -> String {
    let mut out = String::new();
    for PartDecisions { part, decisions } in parts {
        if !decisions.is_empty() {
            let _ = writeln!(out, "decisions of part {part}");
        }
        for decision in decisions {
            let _ = writeln!(out, "  {decision}");
        }
    }
    out
}
