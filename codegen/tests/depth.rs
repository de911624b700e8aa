//! Programs of many instructions in a row go through every stage on a small stack: no stage recurses
//! along them.

use crate::support;

use sinew_codegen::cost::Target;
use sinew_codegen::explain::explain;
#[cfg(feature = "wgsl")]
use sinew_codegen::wgsl::{Limits, emit};
use sinew_fuzz::steps;
use sinew_ir::{Binding, DType, Function, index_bounds, link_pullback, parse};
use support::decided;

/// Half of what threads have, so that half of the instructions will do.
const STACK: usize = 1 << 20;

/// Steps from a matrix to the next, of which no two merge, and how many of them: fewer of those that
/// are kernels of their own.
const CHAINS: &[(&str, usize, &str)] = &[
    ("elementwise", 1000, "%{o} = tanh %{i}"),
    ("sum", 1000, "%{o} = add %{i}, %x"),
    (
        "pad",
        1500,
        "%a{n} = pad %{i} axis [0] widths [1, 0, 1]\n  %{o} = slice %a{n} axis [0] range [0, 4, 1]",
    ),
    (
        "flip",
        1500,
        "%a{n} = pad %{i} axis [0] widths [1, 0, 1]\n  %b{n} = slice %a{n} axis [0] range [0, 4, 1]\n  %{o} = flip %b{n} axis [0]",
    ),
    (
        "transposed_reshape",
        1500,
        "%a{n} = reshape %{i} shape [2, 8]\n  %b{n} = permute %a{n} axes [1, 0]\n  %{o} = reshape %b{n} shape [4, 4]",
    ),
    (
        "gather",
        100,
        "%a{n} = cast %{i} dtype i32\n  %{o} = take_along_axis %x, %a{n} axis [0]",
    ),
    (
        "gathered",
        400,
        "%a{n} = iota dtype i32 shape [4, 4] axis [0]\n  %{o} = take_along_axis %{i}, %a{n} axis [0]",
    ),
    (
        "concat",
        20,
        "%a{n} = concat %{i}, %x axis [0]\n  %{o} = slice %a{n} axis [0] range [2, 6, 1]",
    ),
    (
        "row",
        12,
        "%a{n} = sum %{i} axes [1]\n  %b{n} = broadcast %a{n} shape [4, 4] new [1]\n  %{o} = sub %{i}, %b{n}",
    ),
    (
        "dot",
        20,
        "%{o} = dot %{i}, %x contract_x [1] contract_y [0]",
    ),
    ("running", 20, "%{o} = cumsum %{i} axis [1] reverse 0"),
    (
        "sort",
        8,
        "%a{n} = argsort %{i} axis [1] descending 0\n  %{o} = take_along_axis %{i}, %a{n} axis [1]",
    ),
    (
        "select",
        1500,
        "%a{n} = lt %{i}, %x\n  %{o} = select %a{n}, %{i}, %x",
    ),
];

/// The program of so many steps, and the one with their pullback.
fn programs(text: &str) -> [Function; 2] {
    let function = parse(text).unwrap_or_else(|e| panic!("{e}"));
    let unit = sinew_testing::unit(&function);
    let binding = Binding::new(DType::F32);
    let plain = sinew_ir::link(unit, &binding).unwrap_or_else(|e| panic!("{e}"));
    let linked = link_pullback(unit, &binding, &|_| true);
    [plain, linked.unwrap_or_else(|e| panic!("{e}")).program]
}

fn goes_through(name: &str, step: &str, count: usize) {
    for program in programs(&steps(step, count)) {
        index_bounds(&program);
        for target in [Target::Cpu, Target::Gpu] {
            let (schedule, _) = decided(&program, target);
            assert!(!explain(&schedule).is_empty());
            #[cfg(feature = "wgsl")]
            emit(&schedule, &Limits::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
            #[cfg(feature = "cpu")]
            if target == Target::Cpu {
                let code = sinew_codegen::cpu::compile(&schedule, &Default::default());
                assert!(code.unwrap_or_else(|e| panic!("{name}: {e}")).code_bytes() > 0);
            }
        }
    }
}

#[test]
fn long_chains_go_through_every_stage() {
    for (name, count, step) in CHAINS {
        let thread = std::thread::Builder::new().stack_size(STACK);
        let work = || goes_through(name, step, *count);
        std::thread::scope(|scope| {
            let thread = thread.spawn_scoped(scope, work).expect("a thread");
            thread.join().expect(name);
        });
    }
}
