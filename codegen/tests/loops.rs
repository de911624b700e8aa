//! Programs with loops: what is scheduled computes what the interpreter says, turn by turn, and is no
//! larger for more turns.

use crate::support;

use sinew_codegen::execute::execute;
use sinew_codegen::kernel::{Node, Schedule};
use sinew_ir::{
    Array, Binding, DType, Function, Unit, derive_pullback, link_gradient, parse, recomputed,
    simplify,
};
use sinew_testing::{LoopCase, TRIPS, loop_cases, loop_specs, with_gradients};
use std::collections::BTreeSet;
use support::{bytes, close, interpreted, numbers, scheduled, values};

/// `T` stands for the trip count, `U` for one more, `F` for the float's type.
pub const PROGRAMS: &[(&str, &str)] = &[
    (
        // The contraction reads all that it would write over.
        "a_recurrence_with_a_stack",
        "fn @f(%w: F[3, 3], %h: F[2, 3], %xs: F[T, 2, 3]) -> F[2, 3], F[2, T, 3] {
  %9, %10 = loop T (%3, %4 = %h, %5 = slice %xs) {
    %6 = dot %4, %w contract_x [1] contract_y [0]
    %7 = add %6, %5
    %8 = tanh %7
    return %8, stack %8 axis 1
  }
  return %9, %10
}",
    ),
    (
        "values_change_places",
        "fn @f(%a: F[4], %b: F[4], %x: F[4, T]) -> F[4], F[4], F[4] {
  %10, %11, %12 = loop T (%3, %4 = %a, %5 = %b, %6 = %a, %7 = slice %x axis 1) {
    %8 = mul %4, %7
    %9 = add %8, %6
    return %5, %9, %7
  }
  return %11, %10, %12
}",
    ),
    (
        // Backward, by the index, with constants and views of the outside.
        "an_index_and_views_of_the_outside",
        "fn @f(%s: F[3], %m: F[3, 5], %xs: F[T, 5, 3]) -> F[5, 3], F[T, 3] {
  %3 = broadcast %s shape [5, 3] new [0]
  %4 = permute %m axes [1, 0]
  %5 = const value 0.5 dtype F shape [5, 3]
  %6 = const value 0 dtype F shape [5, 3]
  %17, %18 = loop T backward (%7, %8 = %6, %9 = slice %xs) {
    %10 = cast %7 dtype F
    %11 = broadcast %10 shape [5, 3] new [0, 1]
    %12 = mul %11, %3
    %13 = mul %9, %5
    %14 = add %12, %13
    %15 = mul %14, %4
    %16 = add %8, %15
    %20 = sum %16 axes [0]
    return %16, stack %20
  }
  return %17, %18
}",
    ),
    (
        "a_loop_in_a_loop",
        "fn @f(%h: F[3], %w: F[3, 3], %xs: F[T, U, 3]) -> F[3], F[T, 3, U], F[3] {
  %13, %14 = loop T (%3, %4 = %h, %5 = slice %xs) {
    %11, %12 = loop U backward (%6, %7 = %4, %8 = slice %5) {
      %9 = dot %7, %w contract_x [0] contract_y [0]
      %10 = add %9, %8
      %16 = tanh %10
      return %16, stack %16 axis 1
    }
    %17 = add %11, %4
    return %17, stack %12
  }
  %15 = add %13, %h
  return %13, %14, %15
}",
    ),
    (
        // Nothing is carried: turns stand apart, and have memory of their own for the scores and the softmax.
        "turns_that_stand_apart",
        "fn @f(%q: F[T, 5, 4], %k: F[6, T, 4], %v: F[6, 3, T], %m: F[5, 6]) -> F[5, T, 3], F[5, 6, T] {
  %4 = tanh %m
  %14, %15 = loop T (%5, %6 = slice %q, %7 = slice %k axis 1, %8 = slice %v axis 2) {
    %9 = dot %6, %7 contract_x [1] contract_y [1]
    %10 = add %9, %4
    %11 = softmax %10 axis [1]
    %12 = dot %11, %8 contract_x [1] contract_y [0]
    return stack %12 axis 1, stack %11 axis 2
  }
  return %14, %15
}",
    ),
    (
        // What turns read and what they write lies side by side in the arena, as far apart in every turn.
        "turns_that_stand_apart_between_others",
        "fn @f(%q: F[T, 5, 4], %k: F[T, 4, 4]) -> F[T, 5, 4], F[T, 5] {
  %4 = softmax %k axis [2]
  %5 = softmax %q axis [2]
  %12, %13 = loop T (%6, %7 = slice %5, %8 = slice %4) {
    %9 = softmax %8 axis [1]
    %10 = dot %7, %9 contract_x [1] contract_y [1]
    %11 = dot %10, %8 contract_x [1] contract_y [0]
    %14 = sum %10 axes [1]
    return stack %11, stack %14
  }
  %15 = softmax %12 axis [2]
  %16 = softmax %13 axis [1]
  return %15, %16
}",
    ),
    (
        "turns_that_stand_apart_in_such_turns",
        "fn @f(%q: F[5, 4, T, U], %w: F[4, 4]) -> F[T, 5, U, 4], F[T, 5] {
  %2 = permute %q axes [2, 3, 0, 1]
  %10 = loop T backward (%3, %4 = slice %2) {
    %9 = loop U (%5, %6 = slice %4) {
      %7 = dot %6, %w contract_x [1] contract_y [0]
      %8 = softmax %7 axis [1]
      %15 = dot %8, %w contract_x [1] contract_y [1]
      return stack %15 axis 1
    }
    return stack %9
  }
  %11 = sum %10 axes [2, 3]
  return %10, %11
}",
    ),
    (
        // The inner loops stand in one turn of the outer one, with what lies before, between and behind them.
        "loops_in_turns_that_stand_apart",
        "fn @f(%q: F[T, U, 5, 4], %w: F[4, 4], %h: F[5, 4]) -> F[4, T, 5], F[T, U, 5] {
  %30, %31 = loop T (%3, %4 = slice %q) {
    %5 = exp %4
    %12, %13 = loop U (%6, %7 = slice %5) {
      %8 = dot %7, %w contract_x [1] contract_y [0]
      %9 = softmax %8 axis [1]
      %10 = dot %9, %w contract_x [1] contract_y [1]
      %11 = sum %10 axes [1]
      return stack %10 axis 1, stack %11
    }
    %14 = softmax %12 axis [1]
    %20 = loop U backward (%15, %16 = %h, %17 = slice %14 axis 1) {
      %18 = dot %16, %w contract_x [1] contract_y [0]
      %19 = add %18, %17
      %21 = tanh %19
      return %21
    }
    %22 = permute %20 axes [1, 0]
    return stack %22 axis 1, stack %13
  }
  return %30, %31
}",
    ),
    (
        "turns_that_stand_apart_in_a_recurrence",
        "fn @f(%h: F[5, 4], %xs: F[T, U, 4, 4]) -> F[5, 4] {
  %15 = loop T (%2, %3 = %h, %4 = slice %xs) {
    %9 = loop U (%5, %6 = slice %4) {
      %7 = dot %3, %6 contract_x [1] contract_y [0]
      %8 = softmax %7 axis [1]
      %16 = dot %8, %6 contract_x [1] contract_y [1]
      return stack %16
    }
    %10 = sum %9 axes [0]
    %11 = tanh %10
    return %11
  }
  return %15
}",
    ),
    (
        "two_loops_and_what_lies_between",
        "fn @f(%h: F[3], %xs: F[T, 3]) -> F[T, 3], F[3] {
  %2 = exp %xs
  %8, %9 = loop T (%3, %4 = %h, %5 = slice %2) {
    %6 = mul %4, %5
    %7 = tanh %6
    return %7, stack %6
  }
  %10 = mul %9, %2
  %11 = sum %10 axes [0]
  %16, %17 = loop T backward (%12, %13 = %11, %14 = slice %10) {
    %15 = sub %13, %14
    return %15, stack %15
  }
  %18 = add %16, %8
  return %17, %18
}",
    ),
];

pub fn program(text: &str, trip: usize, float: &str) -> Function {
    let with = |text: &str, letter: &str, by: &str| {
        let mut out = String::new();
        for (i, piece) in text.split(letter).enumerate() {
            if i > 0 {
                out.push_str(by);
            }
            out.push_str(piece);
        }
        out
    };
    let text = with(text, "T", &trip.to_string());
    let text = with(&text, "U", &(trip + 1).to_string());
    let text = with(&text, "F", float);
    parse(&text).unwrap_or_else(|e| panic!("{e}\n{text}"))
}

pub fn inputs(function: &Function) -> Vec<Vec<f64>> {
    let count = |p: usize| {
        let extents = function.values[p].shape.extents().expect("linked");
        extents.iter().product()
    };
    (0..function.params.len())
        .map(|p| numbers(count(p), p + 1))
        .collect()
}

/// Memory with the inputs in it, and the rest garbage.
pub fn memory(s: &Schedule, function: &Function, inputs: &[Vec<f64>]) -> Vec<Vec<u8>> {
    let mut memory: Vec<Vec<u8>> = s.regions.iter().map(|r| vec![0xA5; r.bytes]).collect();
    for (p, x) in inputs.iter().enumerate() {
        memory[p + 1] = bytes(x, function.values[p].dtype);
    }
    memory
}

pub fn compare(function: &Function, memory: &[Vec<u8>], expected: &[Vec<f64>], what: &str) {
    for (i, value) in function.body.results.iter().enumerate() {
        let dtype = function.type_of(*value).dtype;
        let found = values(&memory[1 + function.params.len() + i], dtype);
        let tolerance = if dtype == DType::F64 { 1e-12 } else { 1e-5 };
        close(
            &found,
            &expected[i],
            tolerance,
            &format!("{what}, result {i}"),
        );
    }
}

/// A function by the executor, and compiled with and without vectors.
fn check(function: &Function, what: &str) {
    let s = scheduled(function);
    let inputs = inputs(function);
    let expected = interpreted(function, &inputs);
    let mut found = memory(&s, function, &inputs);
    execute(&s, &mut found).unwrap_or_else(|e| panic!("{what}: {e}\n{s}"));
    compare(function, &found, &expected, what);
    #[cfg(feature = "cpu")]
    for options in support::targets::targets() {
        let mut found = memory(&s, function, &inputs);
        support::run_compiled(&s, &mut found, &options);
        compare(function, &found, &expected, &format!("{what}, compiled"));
    }
}

#[test]
fn loops_compute_what_the_interpreter_says() {
    for (name, text) in PROGRAMS {
        for trip in [1, 2, 3, 7] {
            for float in ["f64", "f32"] {
                check(
                    &program(text, trip, float),
                    &format!("{name}, {trip} turns"),
                );
            }
        }
    }
}

/// A program with the gradients of its results for its parameters, for any cotangents.
pub fn derived(mut function: Function) -> Function {
    derive_pullback(&mut function, &|_| None).unwrap_or_else(|e| panic!("{e}\n{function}"));
    let mut with = with_gradients(&function).expect("no calls are here");
    simplify(&mut with);
    with
}

#[test]
fn pullbacks_of_loops_and_theirs_compute_what_the_interpreter_says() {
    for (name, text) in PROGRAMS {
        for trip in [1, 2, 7] {
            let first = derived(program(text, trip, "f64"));
            check(&first, &format!("pullback of {name}, {trip} turns"));
            let second = derived(first);
            check(&second, &format!("second order of {name}, {trip} turns"));
        }
    }
}

fn loops(nodes: &[Node]) -> usize {
    let count = |node: &Node| match node {
        Node::Run(_) => 0,
        Node::Loop(l) => 1 + loops(&l.body),
        Node::Part(part) => loops(&part.nodes),
    };
    nodes.iter().map(count).sum()
}

#[test]
fn a_loop_stays_a_loop_however_often_it_turns() {
    for (name, text) in PROGRAMS {
        let [few, many] = [3, 30].map(|trip| scheduled(&program(text, trip, "f32")));
        assert!(loops(&few.nodes) > 0, "{name}");
        assert_eq!(few.runs().len(), many.runs().len(), "{name}");
        assert_eq!(few.kernels.len(), many.kernels.len(), "{name}");
    }
}

/// The gradient of a recurrence: its pullback is a loop from the end over stacks of the first one.
#[test]
fn gradients_of_loops() {
    static STEP: Unit = Unit {
        path: "step",
        file: "loops.rs",
        text: "fn @step<B, H>(%h: float[B, H], %w: param float[H, H], %x: float[B, H]) -> float[B, H] {
  %3 = dot %h, %w contract_x [1] contract_y [0]
  %4 = add %3, %x
  %5 = tanh %4
  return %5
}
",
        callees: &[],
        consts: &[],
    };
    static LOSS: Unit = Unit {
        path: "loss",
        file: "loops.rs",
        text: "fn @loss<B, H, T>(%w: param float[H, H], %h: float[B, H], %xs: float[T, B, H]) -> float[] {
  %3 = call @step<B = B, H = H> loop T (carried %h, %w, sliced %xs) -> carried float[B, H]
  %4 = sum %3 axes [0, 1]
  return %4
}
",
        callees: &[("step", &STEP)],
        consts: &[],
    };
    for trip in [0, 1, 2, 7] {
        let binding = Binding::new(DType::F64);
        let binding = binding.with("B", 2).with("H", 3).with("T", trip);
        let all = |p: &sinew_ir::Param| p.kind == sinew_ir::ParamKind::Param;
        let gradient = link_gradient(&LOSS, &binding, &all).unwrap_or_else(|e| panic!("{e}"));
        check(&gradient.program, &format!("gradient, {trip} turns"));
    }
}

/// The results in memory, as arrays.
fn results(function: &Function, memory: &[Vec<u8>]) -> Vec<Array> {
    let found = &memory[1 + function.params.len()..];
    let array = |(value, bytes): (&sinew_ir::Value, &Vec<u8>)| {
        let ty = function.type_of(*value);
        let shape = ty.shape.extents().expect("linked");
        Array::new(ty.dtype, &shape, values(bytes, ty.dtype)).expect("as many elements")
    };
    function.body.results.iter().zip(found).map(array).collect()
}

/// A case by the executor, and compiled for every set of instructions.
fn agrees(case: &LoopCase) {
    let mut function = case.function.clone();
    simplify(&mut function);
    computes(case, &function);
}

/// The function of a case, in one of its forms.
fn computes(case: &LoopCase, function: &Function) {
    let s = scheduled(function);
    let inputs: Vec<Vec<f64>> = case.inputs.iter().map(|x| x.data.clone()).collect();
    let mut found = memory(&s, function, &inputs);
    execute(&s, &mut found).unwrap_or_else(|e| panic!("{}: {e}\n{s}", case.name));
    let difference = case.difference(&results(function, &found), 1e-12);
    assert_eq!(difference, None, "executed\n{function}\n{s}");
    #[cfg(feature = "cpu")]
    for options in support::targets::targets() {
        let mut found = memory(&s, function, &inputs);
        support::run_compiled(&s, &mut found, &options);
        let difference = case.difference(&results(function, &found), 1e-12);
        assert_eq!(difference, None, "{options:?}\n{function}\n{s}");
    }
}

#[test]
fn loops_compute_what_their_unrolled_forms_do() {
    for spec in loop_specs() {
        for trip in TRIPS {
            let (looped, unrolled) = (spec.looped(), spec.unrolled(trip));
            let cases = loop_cases(&spec.name, looped, unrolled, trip, DType::F64);
            for case in cases.unwrap_or_else(|e| panic!("{}: {e}", spec.name)) {
                agrees(&case);
            }
        }
    }
}

/// Six turns can be put in parts, seven in parts and one more; slices and stacks are along any axis, and some places are no more in
/// row-major order then.
#[test]
fn loops_compute_the_same_again() {
    let mut ways = BTreeSet::new();
    for spec in loop_specs() {
        for trip in [6, 7] {
            let (looped, unrolled) = (spec.looped(), spec.unrolled(trip));
            let cases = loop_cases(&spec.name, looped, unrolled, trip, DType::F64);
            for mut case in cases.unwrap_or_else(|e| panic!("{}: {e}", spec.name)) {
                simplify(&mut case.function);
                for again in recomputed(&case.function, 1) {
                    computes(&case, &again.program);
                    ways.extend(again.again.iter().map(|a| a.why));
                }
            }
        }
    }
    assert_eq!(ways.len(), 3, "{ways:?}");
}
