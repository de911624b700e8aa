//! Every pass stays polynomial: instructions are counted for programs of n and of 2n steps, dims are
//! multiplied without end, calls double without end. What is too much ends soon, with an error.

use sinew_fuzz::{STEPS, steps, within};
use sinew_ir::{
    Binding, DType, Function, LinkError, Unit, derive_pullback, index_bounds, inline, link,
    link_pullback, parse, simplify, verify,
};
use std::time::Duration;

fn read(text: &str) -> Function {
    parse(text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

fn instructions(function: &Function) -> usize {
    let pullback = function.pullback.iter().map(|p| p.block.insts.len());
    function.body.insts.len() + pullback.sum::<usize>()
}

/// How many instructions each pass makes of a program.
fn sizes(text: &str) -> [usize; 4] {
    let function = read(text);
    assert_eq!(verify(&function), Ok(()), "{text}");
    let mut simple = function.clone();
    simplify(&mut simple);
    let mut derived = function.clone();
    derive_pullback(&mut derived, &|_| None).unwrap_or_else(|e| panic!("{e}\n{text}"));
    let derived_size = instructions(&derived);
    simplify(&mut derived);
    let binding = Binding::new(DType::F32);
    let linked = link_pullback(sinew_testing::unit(&function), &binding, &|_| true);
    let program = linked.unwrap_or_else(|e| panic!("{e}\n{text}")).program;
    index_bounds(&program);
    [
        instructions(&simple),
        derived_size,
        instructions(&derived),
        instructions(&program),
    ]
}

/// What grows without end takes for ever: this is generous to all else.
fn soon<T>(what: &str, run: impl FnOnce() -> T) -> T {
    within(Duration::from_secs(2), what, run)
}

#[test]
fn passes_make_programs_that_grow_with_theirs() {
    for (name, step) in STEPS {
        let [small, large] = [15, 30].map(|count| soon(name, || sizes(&steps(step, count))));
        for (small, large) in small.into_iter().zip(large) {
            let linear = large <= 2 * small + 20;
            assert!(
                linear,
                "{name}: {small} instructions of 15 steps, {large} of 30"
            );
        }
    }
}

#[test]
fn dims_that_multiply_out_without_end_are_refused() {
    let sums = |n: usize| {
        let factors: Vec<String> = (0..n).map(|i| format!("(A{i} + B{i})")).collect();
        factors.join("*")
    };
    let quotients = |n: usize| {
        let factors: Vec<String> = (0..n).map(|i| format!("(A{i}/2 + B{i}/3)")).collect();
        factors.join("*")
    };
    let power = |n: usize| vec!["(A0 + B0 + A1 + B1)"; n].join("*");
    let symbols: Vec<String> = (0..64).map(|i| format!("A{i}, B{i}")).collect();
    let symbols = symbols.join(", ");
    for (dim, fits) in [
        (sums(7), true),
        (sums(8), false),
        (sums(64), false),
        (quotients(64), false),
        (power(4), true),
        (power(64), false),
        (vec!["A0"; 2000].join("*"), false),
        (vec!["A0*B0"; 2000].join(" + "), true),
        (
            format!("({})/(A0 - A1 - A2 - A3 - A4)", vec!["A0"; 60].join("*")),
            true,
        ),
        (format!("({})/(A0 + B0)", sums(7)), true),
    ] {
        let text = format!("fn @f<{symbols}>(%x: float[{dim}]) -> () {{\n  return\n}}\n");
        let read = soon(&dim, || {
            parse(&text).map(|f| soon(&dim, || parse(&f.to_string())))
        });
        assert_eq!(read.is_ok(), fits, "{dim}: {read:?}");
    }
}

#[test]
fn an_axis_of_many_sums_made_one_is_refused() {
    let dims: Vec<String> = (0..24).map(|i| format!("A{i} + B{i}")).collect();
    let symbols: Vec<String> = (0..24).map(|i| format!("A{i}, B{i}")).collect();
    let text = format!(
        "fn @f<{}>(%x: float[{}]) -> float[4] {{\n  %y = reshape %x shape [4]\n  return %y\n}}\n",
        symbols.join(", "),
        dims.join(", ")
    );
    let error = soon("reshape", || parse(&text)).expect_err("2^24 terms");
    assert!(error.to_string().contains("too large"), "{error}");
}

/// A unit of `count` functions, each of which calls the next `calls` times, one after the other.
fn chain(count: usize, calls: usize, dims: (&str, &str)) -> &'static Unit {
    let (declared, passed) = dims;
    let mut unit: Option<&'static Unit> = None;
    for _ in 0..count {
        let mut text = format!("fn @f<B>(%x: float[{declared}]) -> float[{declared}] {{\n");
        let mut from = String::from("x");
        for n in 0..calls * usize::from(unit.is_some()) {
            text += &format!("  %s{n} = call @f<B = {passed}>(%{from}) -> float[{declared}]\n");
            from = format!("s{n}");
        }
        text += &format!("  return %{from}\n}}\n");
        let callees: Vec<(&str, &Unit)> = unit.into_iter().map(|u| ("f", u)).collect();
        unit = Some(Box::leak(Box::new(Unit {
            path: "f",
            file: "growth.rs",
            text: text.leak(),
            callees: callees.leak(),
            consts: &[],
        })));
    }
    unit.expect("at least one function")
}

fn binding() -> Binding {
    Binding::new(DType::F32).with("B", 2)
}

#[test]
fn calls_that_double_without_end_are_refused() {
    let program = soon("calls", || link(chain(10, 2, ("B", "B")), &binding()));
    assert!(program.is_ok(), "{program:?}");
    let error = soon("calls", || link(chain(60, 2, ("B", "B")), &binding()));
    assert!(matches!(error, Err(LinkError::Large { .. })), "{error:?}");
    let error = soon("calls", || inline(chain(60, 2, ("B", "B"))));
    assert!(matches!(error, Err(LinkError::Large { .. })), "{error:?}");
}

#[test]
fn calls_nest_to_a_limit() {
    let trained = |unit| link_pullback(unit, &binding(), &|_| true);
    let program = soon("calls", || trained(chain(64, 1, ("B", "B"))));
    assert!(program.is_ok(), "{program:?}");
    let error = soon("calls", || trained(chain(65, 1, ("B", "B"))));
    assert!(matches!(error, Err(LinkError::Depth { .. })), "{error:?}");
    let error = soon("calls", || trained(chain(10_000, 1, ("B", "B"))));
    assert!(matches!(error, Err(LinkError::Depth { .. })), "{error:?}");
}
