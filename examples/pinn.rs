//! A differential equation solved by a network: u'' = -pi^2 sin(pi x) with u(0) = u(1) = 0.
//!
//! The loss has the second derivative of the network in it, which is written down with `grad`, and
//! training derives that once more. The solution is sin(pi x); both are drawn to `pinn.svg`.

use ndarray::Array1;
use sinew::prelude::*;
use std::f32::consts::PI;
use std::fmt::Write as _;

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
        .build()?;
    for step in 0..=3000 {
        // Down to a hundredth of where it starts.
        train.set_learning_rate(1e-2 * 0.01f64.powf(f64::from(step) / 3000.0))?;
        let report = train.step(&x, &source)?;
        if step % 500 == 0 {
            println!("step {step:4}  loss {:.6}", report.loss);
        }
    }

    let points = Array1::linspace(0.0f32, 1.0, 201);
    let found = solution::attach(&train)?.run(&points)?;
    let exact = points.mapv(|x| (PI * x).sin());
    let error = (&found - &exact).fold(0.0f32, |worst, d| worst.max(d.abs()));
    println!("greatest error {error:.1e}");
    let file = std::env::temp_dir().join("pinn.svg");
    std::fs::write(&file, plot(&points, &exact, &found))?;
    println!("drawn to {}", file.display());
    match error < 1e-3 {
        true => Ok(()),
        false => Err(format!("the error is {error}, and must be below 1e-3").into()),
    }
}

/// The exact curve, and the network's as dots on it.
fn plot(x: &Array1<f32>, exact: &Array1<f32>, found: &Array1<f32>) -> String {
    let at = |x: f32, y: f32| (40.0 + 520.0 * x, 280.0 - 240.0 * y);
    let mut line = String::new();
    for (x, y) in x.iter().zip(exact) {
        let (x, y) = at(*x, *y);
        let _ = write!(line, "{x:.1},{y:.1} ");
    }
    let mut dots = String::new();
    for (x, y) in x.iter().zip(found).step_by(10) {
        let (x, y) = at(*x, *y);
        let _ = writeln!(
            dots,
            r##"<circle cx="{x:.1}" cy="{y:.1}" r="4" fill="#c33"/>"##
        );
    }
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 600 320" font-family="sans-serif">
<rect width="600" height="320" fill="#fff"/>
<polyline points="{line}" fill="none" stroke="#357" stroke-width="2"/>
{dots}<text x="40" y="310">0</text><text x="555" y="310">1</text>
<text x="200" y="25">sin(pi x), and the network's solution</text>
</svg>
"##
    )
}
