//! A differential equation solved by a network: u'' = -pi^2 sin(pi x) with u(0) = u(1) = 0.
//!
//! The loss has the second derivative of the network in it, which is written down with `grad`, and
//! training derives that once more. The solution is sin(pi x); both are drawn to `pinn.svg`.

use ndarray::Array1;
use sinew::data::Plot;
use sinew::optim::Schedule;
use sinew::prelude::*;
use std::f32::consts::PI;

const HIDDEN: usize = 24;

#[model]
struct Net {
    a: Linear<1, HIDDEN>,
    b: Linear<HIDDEN, HIDDEN>,
    out: Linear<HIDDEN, 1>,
}

/// Zero at both ends, whatever the network says.
#[model]
fn solution<B>(m: &Net, x: Tensor<B>) -> Tensor<B> {
    let h = m.b.forward(m.a.forward(x.unsqueeze(-1)).tanh()).tanh();
    x * (1.0 - x) * m.out.forward(h).squeeze(-1)
}

/// How far u'' is from what it must be. Points are apart, so the gradient of the sum is each one's own.
#[model]
fn residual<B>(m: &Net, x: Tensor<B>, source: Tensor<B>) -> Tensor {
    let second = grad(|x| grad(|x| solution(m, x).sum(), x).sum(), x);
    (second - source).square().mean()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let x = Array1::linspace(0.0f32, 1.0, 64);
    let source = x.mapv(|x| -PI * PI * (PI * x).sin());
    let mut train = residual::train(Net::init(3))
        .optimizer(Adam::new(1e-2))
        // Down to a hundredth of where it starts.
        .schedule(Schedule::new(|step| 0.01f64.powf(step as f64 / 3000.0)))
        .build()?;
    for _ in 0..6 {
        let steps = train.repeat(500, &x, &source)?;
        println!(
            "step {:4}  loss {:.6}",
            steps.numbers.start, steps.losses[0]
        );
    }

    let points = Array1::linspace(0.0f32, 1.0, 201);
    let found = solution::attach(&train)?.run(&points)?;
    let exact = points.mapv(|x| (PI * x).sin());
    let error = (&found - &exact).fold(0.0f32, |worst, d| worst.max(d.abs()));
    println!("greatest error {error:.1e}");
    let file = std::env::temp_dir().join("pinn.svg");
    Plot::new("u'' = -pi^2 sin(pi x)")
        .line("sin(pi x)", points.iter().zip(&exact))
        .dots("the network", points.iter().zip(&found).step_by(10))
        .save(&file)?;
    println!("drawn to {}", file.display());
    match error < 1e-3 {
        true => Ok(()),
        false => Err(format!("the error is {error}, and must be below 1e-3").into()),
    }
}
