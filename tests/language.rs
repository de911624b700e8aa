//! The page of the language: what it expands to, and that it runs.

#![deny(warnings, missing_docs)]

use sinew::prelude::*;

const HIDDEN: usize = 32;

#[model]
struct Digits {
    hidden: Linear<64, HIDDEN>,
    out: Linear<HIDDEN, 10>,
}

#[model]
fn logits<B>(m: &Digits, x: Tensor<B, 64>) -> Tensor<B, 10> {
    m.out.forward(m.hidden.forward(x).relu())
}

#[model]
fn loss<B>(m: &Digits, x: Tensor<B, 64>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(logits(m, x), y)
}

#[test]
fn the_page_trains() -> sinew::Result<()> {
    let model = Digits::init(42);
    let mut train = loss::train(model)
        .optimizer(AdamW::new(1e-2))
        .device(Device::cpu())
        .build()?;
    let mut predict = logits::attach(&train)?;
    let x = ndarray::Array2::from_shape_fn((20, 64), |(i, j)| ((i * 7 + j * 3) % 11) as f32 / 11.0);
    let y: Vec<i32> = (0..20).map(|i| i % 10).collect();
    let first = train.step(&x, &y)?.loss;
    let mut last = first;
    for _ in 0..60 {
        last = train.step(&x, &y)?.loss;
    }
    assert!(last < 0.5 * first, "{first} to {last}");
    let scores = predict.run(&x)?;
    assert_eq!(scores.shape(), [20, 10]);
    Ok(())
}

#[test]
fn the_ir_reads_like_the_source() {
    let expected = "\
fn @logits<B, const HIDDEN>(%m.hidden.w: param float[64, HIDDEN], %m.hidden.b: param float[HIDDEN], \
%m.out.w: param float[HIDDEN, 10], %m.out.b: param float[10], %x: float[B, 64]) -> float[B, 10] {
  %5 = call @Linear::forward<[S] = [B], I = 64, O = HIDDEN>(%m.hidden.w, %m.hidden.b, %x) -> float[B, HIDDEN]
  %6 = relu %5
  %7 = call @Linear::forward<[S] = [B], I = HIDDEN, O = 10>(%m.out.w, %m.out.b, %6) -> float[B, 10]
  return %7
}
";
    let (primal, pullback) = logits::IR.split_at(expected.len());
    assert_eq!(primal, expected);
    assert!(pullback.starts_with("pullback(%8: float[B, 10]) {"));
    let signature = "fn logits<B>(m: &Digits, x: Tensor<B, 64>) -> Tensor<B, 10>";
    assert_eq!(logits::signature(), signature);
}
