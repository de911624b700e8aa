//! Programs that compute values again have the bits of those that keep them, however it is done, and keep less.

use sinew_ir::each_recomputed;
use sinew_ir::{
    Array, Binding, DType, Function, Unit, Why, interpret, link, link_gradient, link_pullback,
    recomputed, simplify, verify_program,
};
use sinew_testing::{loop_cases, loop_specs, unit_of};
use std::collections::BTreeSet;
use std::error::Error;

type Outcome = Result<(), Box<dyn Error>>;

fn bits(arrays: &[Array]) -> Vec<Vec<u64>> {
    let of = |a: &Array| a.data.iter().map(|x| x.to_bits()).collect();
    arrays.iter().map(of).collect()
}

/// Tries every way, and gives those that were found.
fn each_way(
    program: &Function,
    results: usize,
    inputs: &[Array],
) -> Result<BTreeSet<Why>, Box<dyn Error>> {
    let expected = bits(&interpret(program, inputs)?);
    let mut ways = BTreeSet::new();
    for again in each_recomputed(program, results) {
        verify_program(&again.program)?;
        let found = bits(&interpret(&again.program, inputs)?);
        assert_eq!(found, expected, "{}", again.program);
        ways.extend(again.again.iter().map(|a| a.why));
    }
    Ok(ways)
}

/// Six turns are two parts of three, or three of two, seven are so with one more; both ends, indices, slices and stacks along any axis,
/// loops in loops.
#[test]
fn loops_have_the_same_bits_in_every_way() -> Outcome {
    let mut ways = BTreeSet::new();
    for spec in loop_specs() {
        for trip in [6, 7] {
            let (looped, unrolled) = (spec.looped(), spec.unrolled(trip));
            let sizes = [("B", 3), ("H", 5), ("K", 2), ("T", trip)];
            let each = sizes.iter();
            let binding = each.fold(Binding::new(DType::F64), |b, (s, n)| b.with(s, *n));
            let forward = link(looped, &binding)?.body.results.len();
            let pullback = link_pullback(looped, &binding, &|_| true)?;
            let results = [forward, forward, pullback.program.body.results.len()];
            let cases = loop_cases(&spec.name, looped, unrolled, trip, DType::F64)?;
            for (mut case, results) in cases.into_iter().zip(results) {
                simplify(&mut case.function);
                ways.extend(each_way(&case.function, results, &case.inputs)?);
            }
        }
    }
    let all = BTreeSet::from([Why::Half, Why::Iteration, Why::Part]);
    assert_eq!(ways, all);
    Ok(())
}

static LAYER: Unit = unit_of(
    "layer",
    "fn @layer<B, H>(%x: float[B, H], %w: param float[H, H]) -> float[B, H] {
  %2 = dot %x, %w contract_x [1] contract_y [0]
  %3 = tanh %2
  return %3
}",
    &[],
);

static CHAIN: Unit = unit_of(
    "chain",
    "fn @chain<B, H>(%x: float[B, H], %v: param float[H, H], %w: param float[H, H]) -> float[] {
  %3 = call @layer<B = B, H = H>(%x, %v) -> float[B, H]
  %4 = call @layer<B = B, H = H>(%3, %w) -> float[B, H]
  %5 = call @layer<B = B, H = H>(%4, %v) -> float[B, H]
  %6 = call @layer<B = B, H = H>(%5, %w) -> float[B, H]
  %7 = call @layer<B = B, H = H>(%6, %v) -> float[B, H]
  %8 = call @layer<B = B, H = H>(%7, %w) -> float[B, H]
  %9 = call @layer<B = B, H = H>(%8, %v) -> float[B, H]
  %10 = call @layer<B = B, H = H>(%9, %w) -> float[B, H]
  %11 = sum %10 axes [0, 1]
  return %11
}",
    &[("layer", &LAYER)],
);

fn numbers(shape: &[usize]) -> Array {
    let count = shape.iter().product::<usize>();
    let data = (0..count).map(|i| ((i * 37 + 11) % 101) as f64 / 101.0 - 0.5);
    Array {
        dtype: DType::F64,
        shape: shape.to_vec(),
        data: data.collect(),
    }
}

/// Eight layers without a loop: each program that is told keeps less than the one before, for more operations.
#[test]
fn halves_of_a_chain_keep_less_for_more_operations() -> Outcome {
    let binding = Binding::new(DType::F64).with("B", 16).with("H", 2);
    let made = link_gradient(&CHAIN, &binding, &|_| true)?;
    let inputs = [numbers(&[16, 2]), numbers(&[2, 2]), numbers(&[2, 2])];
    let ways = each_way(&made.program, made.results, &inputs)?;
    assert_eq!(ways, BTreeSet::from([Why::Half]));
    let found = recomputed(&made.program, made.results);
    let figures: Vec<(u64, usize)> = found.iter().map(|r| (r.flops, r.peak)).collect();
    assert!(figures.len() >= 2, "{figures:?}");
    for pair in figures.windows(2) {
        assert!(
            pair[0].0 < pair[1].0 && pair[0].1 > pair[1].1,
            "{figures:?}"
        );
    }
    // The first one computes three of eight layers again: the half without what leads to the other.
    let layer = 16 * 2 * (2 * 2 + 1);
    assert!(figures[0].0 <= 4 * layer, "{figures:?}");
    // In the end a layer's value, its cotangents, and what leads to it from the arguments.
    let value = 16 * 2 * 8;
    let least = found.last().map(|r| r.peak).unwrap_or_default();
    assert!(least <= 7 * value, "{least} bytes, of {value} a value");
    Ok(())
}

static LAYERS: Unit = unit_of(
    "layers",
    "fn @layers<T, B, H>(%x: float[B, H], %w: param float[H, H]) -> float[] {
  %2 = call @layer<B = B, H = H> loop T (carried %x, %w) -> carried float[B, H]
  %3 = sum %2 axes [0, 1]
  return %3
}",
    &[("layer", &LAYER)],
);

/// Iterations that stack what they are given alone: there is nothing in them to compute again, so no way led
/// to parts of them.
#[test]
fn a_loop_that_stacks_what_it_carries_is_put_in_parts() -> Outcome {
    // Six parts of six, and one more of what has no divisors.
    for trip in [36, 37] {
        let sizes = [("T", trip), ("B", 16), ("H", 2)];
        let each = sizes.iter();
        let binding = each.fold(Binding::new(DType::F64), |b, (s, n)| b.with(s, *n));
        let made = link_gradient(&LAYERS, &binding, &|_| true)?;
        let inputs = [numbers(&[16, 2]), numbers(&[2, 2])];
        let ways = each_way(&made.program, made.results, &inputs)?;
        assert!(ways.contains(&Why::Part), "{ways:?}\n{}", made.program);
        let value = 16 * 2 * 8;
        let found = recomputed(&made.program, made.results);
        let least = found.last().map(|r| r.peak).unwrap_or_default();
        // Instead of 36, and what the loops hand on.
        assert!(
            0 < least && least <= 20 * value,
            "{trip} iterations, {least} bytes, of {value} a value"
        );
    }
    Ok(())
}
