//! Programs that do attention slice by slice compute what they did, and keep nothing of as many rows as columns for
//! all slices.

use sinew_ir::{
    Array, Binding, DType, Function, Worth, interpret, link, link_gradient, slicewise,
    verify_program,
};
use sinew_testing::{difference, unit_of};
use std::error::Error;

type Outcome = Result<(), Box<dyn Error>>;

/// Everything that is large in between.
const ALL: Worth = Worth {
    bytes: 0,
    slice: 0,
    rows: 2,
};

/// Attention over heads, with what is seen by each row of it.
static ATTENTION: sinew_ir::Unit = unit_of(
    "attention",
    "fn @attention<B, H, T, D>(%q: float[B, H, T, D], %k: float[B, H, T, D], %v: float[B, H, T, D]) -> float[B, H, T, D] {
  %3 = dot %q, %k batch_x [0, 1] batch_y [0, 1] contract_x [3] contract_y [3]
  %4 = iota dtype i32 shape [T, T] axis [0]
  %5 = iota dtype i32 shape [T, T] axis [1]
  %6 = le %5, %4
  %7 = broadcast %6 shape [B, H, T, T] new [0, 1]
  %8 = const value -inf dtype float shape [B, H, T, T]
  %9 = select %7, %3, %8
  %10 = softmax %9 axis [3]
  %11 = dot %10, %v batch_x [0, 1] batch_y [0, 1] contract_x [3] contract_y [2]
  return %11
}",
    &[],
);

/// Its loss, with other work between it and the loss.
static LOSS: sinew_ir::Unit = unit_of(
    "loss",
    "fn @loss<B, H, T, D>(%x: float[B, T, H, D], %w: param float[H, D, H, D], %o: param float[H, D, D]) -> float[] {
  %3 = dot %x, %w contract_x [2, 3] contract_y [0, 1]
  %4 = permute %3 axes [0, 2, 1, 3]
  %5 = permute %x axes [0, 2, 1, 3]
  %6 = call @attention<B = B, H = H, T = T, D = D>(%4, %5, %5) -> float[B, H, T, D]
  %7 = dot %6, %o contract_x [1, 3] contract_y [0, 1]
  %8 = tanh %7
  %9 = sum %8 axes [0, 1, 2]
  return %9
}",
    &[("attention", &ATTENTION)],
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

fn inputs(program: &Function) -> Vec<Array> {
    let of = |i: usize| numbers(&program.values[i].shape.extents().unwrap_or_default());
    (0..program.params.len()).map(of).collect()
}

/// Whether a program computes the same with slices, and has any.
fn in_slices(program: &Function) -> Result<Function, Box<dyn Error>> {
    let inputs = inputs(program);
    let expected = interpret(program, &inputs)?;
    let mut sliced = program.clone();
    let any = slicewise(&mut sliced, ALL)?;
    verify_program(&sliced)?;
    assert!(any, "{program}");
    for (found, expected) in interpret(&sliced, &inputs)?.iter().zip(&expected) {
        assert_eq!(difference(found, expected, 1e-12, 1e-12), None, "{sliced}");
    }
    Ok(sliced)
}

#[test]
fn attention_and_its_gradient() -> Outcome {
    for [b, h, t] in [[2, 3, 5], [1, 3, 5], [2, 1, 5], [3, 2, 7]] {
        let sizes = [("B", b), ("H", h), ("T", t), ("D", 2)];
        let each = sizes.iter();
        let binding = each.fold(Binding::new(DType::F64), |b, (s, n)| b.with(s, *n));
        let forward = in_slices(&link(&LOSS, &binding)?)?;
        println!("{forward}");
        let gradient = in_slices(&link_gradient(&LOSS, &binding, &|_| true)?.program)?;
        println!("{gradient}");
    }
    Ok(())
}
