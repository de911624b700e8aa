//! Random kernel texts: what is no schedule is an error, what is one prints as itself, and what the
//! verifier lets through leaves no buffer when it runs.

use crate::support;

use sinew_codegen::execute::execute;
use sinew_codegen::kernel::{Class, Kernel, Node, Schedule};
use sinew_codegen::text::parse;
use sinew_codegen::verify::verify;
use sinew_fuzz::{STEPS, Target, changed_text, steps};
use sinew_ir::{Binding, DType, link_pullback};
use support::random::program;
use support::scheduled;

/// Texts to change: steps with their pullbacks, and random programs.
fn texts() -> Vec<String> {
    let binding = Binding::new(DType::F32);
    let of_step = |(name, step): &(&str, &str)| {
        let function = sinew_ir::parse(&steps(step, 2)).expect(name);
        let linked = link_pullback(sinew_testing::unit(&function), &binding, &|_| true);
        scheduled(&linked.expect(name).program).to_string()
    };
    let random =
        |seed: u64| scheduled(&program(seed, seed.is_multiple_of(3), DType::F64).0).to_string();
    STEPS
        .iter()
        .map(of_step)
        .chain((1..30).map(random))
        .collect()
}

const PIECES: &[&str] = &[
    "s0",
    "b0",
    "r0",
    "row0",
    "[]",
    "[1]",
    "[-1]",
    "0",
    "1",
    "-1",
    "9223372036854775807",
    "18446744073709551615",
    "-9223372036854775808",
    "f32",
    "f64",
    "i32",
    "bool",
    "\"",
    "\"arena\"",
    "{",
    "}",
    "loop 3 {",
    "part \"p\" {",
    "run",
    "gives",
    "where",
    "at",
    "sum",
    "max",
    "store",
    "load",
    "each {",
    "row {",
    "nan",
    "inf",
    ";",
    "é",
    "\n",
];

/// The turns of a kernel's space, if they are few.
fn turns(kernel: &Kernel) -> Option<usize> {
    let extents: Vec<usize> = match &kernel.class {
        Class::Nest(n) => [n.outer.as_slice(), &n.inner].concat(),
        Class::Contract(c) => [c.batch.as_slice(), &c.m, &c.n, &c.k].concat(),
        Class::Scatter(s) => [s.outer.as_slice(), &[s.updates]].concat(),
        Class::Scan(s) => s.space(),
        Class::Sort(s) => s.space(),
    };
    // None are as many as the other extents say: who skips them still counts those.
    let mut all = extents.iter().map(|n| (*n).max(1));
    all.try_fold(1usize, |all, n| {
        all.checked_mul(n).filter(|all| *all <= 2000)
    })
}

/// How often kernels run, if it is not often.
fn runs(nodes: &[Node]) -> Option<usize> {
    let mut all = 0usize;
    for node in nodes {
        let here = match node {
            Node::Run(_) => 1,
            Node::Part(p) => runs(&p.nodes)?,
            Node::Loop(l) => runs(&l.body)?.checked_mul(l.trip)?,
        };
        all = all.checked_add(here).filter(|all| *all <= 500)?;
    }
    Some(all)
}

/// Runs what is small.
fn run(schedule: &Schedule) {
    let bytes = schedule.regions.iter().map(|r| r.bytes);
    let few =
        schedule.kernels.iter().all(|k| turns(k).is_some()) && runs(&schedule.nodes).is_some();
    if !few || bytes.clone().any(|b| b > 1 << 20) {
        return;
    }
    let mut memory: Vec<Vec<u8>> = bytes.map(|b| vec![0x3C; b]).collect();
    assert_eq!(execute(schedule, &mut memory), Ok(()), "it verifies");
}

#[test]
fn any_kernel_text_is_a_schedule_or_an_error() {
    let texts = texts();
    // The first seeds are the texts as they are.
    let make = |seed: u64| match usize::try_from(seed).ok().and_then(|i| texts.get(i)) {
        Some(text) => text.clone(),
        None => changed_text(&texts, PIECES, seed),
    };
    Target::new("kernel-text", 2000).run(make, |text| {
        let Ok(schedule) = parse(text) else {
            return;
        };
        // Compared as texts: a number that is no number is none in both.
        let printed = schedule.to_string();
        let again = parse(&printed).unwrap_or_else(|e| panic!("{e}\n{printed}"));
        assert_eq!(again.to_string(), printed);
        if verify(&schedule).is_ok() {
            run(&schedule);
        }
    });
}
