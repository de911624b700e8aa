//! Regression: a small network learns the sine from 256 points.

use ndarray::Array2;
use sinew::prelude::*;
use std::f32::consts::PI;

const HIDDEN: usize = 32;

#[model]
struct Curve {
    a: Linear<1, HIDDEN>,
    b: Linear<HIDDEN, HIDDEN>,
    out: Linear<HIDDEN, 1>,
}

#[model]
fn predict<B>(m: &Curve, x: Tensor<B, 1>) -> Tensor<B, 1> {
    m.out.forward(m.b.forward(m.a.forward(x).tanh()).tanh())
}

#[model]
fn loss<B>(m: &Curve, x: Tensor<B, 1>, y: Tensor<B, 1>) -> Tensor {
    mse(predict(m, x), y)
}

fn main() -> sinew::Result<()> {
    let x = Array2::from_shape_fn((256, 1), |(i, _)| PI * (i as f32 / 127.5 - 1.0));
    let y = x.mapv(f32::sin);

    let mut train = loss::train(Curve::init(1))
        .optimizer(Adam::new(0.01))
        .build()?;
    for round in 0..5 {
        if round == 4 {
            train.set_learning_rate(0.001)?; // no recompilation
        }
        let steps = train.repeat(200, &x, &y)?; // all of them in one call
        println!(
            "step {:4}  loss {:.6}",
            steps.numbers.start, steps.losses[0]
        );
    }
    println!("step {:4}  loss {:.6}", 1001, train.step(&x, &y)?.loss);

    let curve = predict::attach(&train)?;
    println!("\n      x   sin(x)  network");
    for x in [-3.0f32, -1.5, 0.0, 0.5, 2.0] {
        let y = curve.run([[x]])?;
        println!("{x:7.2}  {:7.4}  {:7.4}", x.sin(), y[[0, 0]]);
    }
    Ok(())
}
