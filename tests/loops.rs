//! Loops in the language: against the same steps written out.

use sinew::ndarray::{Array1, Array2, Array3};
use sinew::prelude::*;

#[model]
struct Cell {
    #[init(normal(0.5))]
    w: Param<4, 4>,
    #[init(normal(0.5))]
    u: Param<3, 4>,
}

/// A recurrence over the first axis: carried, sliced, collected.
#[model]
fn rnn<T, B>(m: &Cell, xs: Tensor<T, B, 3>) -> (Tensor<B, 4>, Tensor<T, B, 4>) {
    let mut h = zeros([B, 4]);
    let mut hs = Vec::new();
    for t in 0..T {
        h = (matmul(xs[t], m.u) + matmul(h, m.w)).tanh();
        hs.push(h);
    }
    (h, stack(hs))
}

#[model]
fn loss<T, B>(m: &Cell, xs: Tensor<T, B, 3>) -> Tensor {
    let (h, hs) = rnn(m, xs);
    h.square().mean() + hs.sin().mean()
}

#[model]
fn step<B>(m: &Cell, h: Tensor<B, 4>, x: Tensor<B, 3>) -> Tensor<B, 4> {
    (matmul(x, m.u) + matmul(h, m.w)).tanh()
}

#[model]
fn written_out<B>(m: &Cell, xs: Tensor<3, B, 3>) -> Tensor {
    let h1 = step(m, zeros([B, 4]), xs[0]);
    let h2 = step(m, h1, xs[1]);
    let h3 = step(m, h2, xs[2]);
    h3.square().mean() + stack([h1, h2, h3]).sin().mean()
}

fn data(t: usize) -> Array3<f32> {
    Array3::from_shape_fn((t, 2, 3), |(i, j, k)| ((i * 7 + j * 3 + k) as f32 * 0.37).sin())
}

#[test]
fn a_recurrence_is_its_steps() -> sinew::Result<()> {
    let model = Cell::init(3);
    let xs = data(3);
    let looped = loss(&model, &xs)?;
    let unrolled = written_out(&model, &xs)?;
    assert!((looped - unrolled).abs() < 1e-6, "{looped} {unrolled}");
    let a = loss::gradient(&model, &xs)?;
    let b = written_out::gradient(&model, &xs)?;
    for (a, b) in [(&a.w, &b.w), (&a.u, &b.u)] {
        for (a, b) in a.values_f64().iter().zip(b.values_f64()) {
            assert!((a - b).abs() < 1e-6, "{a} {b}");
        }
    }
    Ok(())
}
