//! Learning to learn: a start from which one step of gradient descent fits any sine.
//!
//! The inner step is in the loss: its gradient is written down with `grad`, and training goes through
//! it. The gradient that comes of that is compared with finite differences first.

use ndarray::{Array1, Array2};
use sinew::prelude::*;

const HIDDEN: usize = 24;

#[model]
struct Net {
    a: Linear<1, HIDDEN>,
    b: Linear<HIDDEN, HIDDEN>,
    out: Linear<HIDDEN, 1>,
}

#[model]
fn error<K>(m: &Net, x: Tensor<K, 1>, y: Tensor<K, 1>) -> Tensor {
    let h = m.b.forward(m.a.forward(x).tanh()).tanh();
    mse(m.out.forward(h), y)
}

/// The error behind one step down from `m`, on other points of the same curve.
#[model]
fn adapted<K>(
    m: &Net,
    x: Tensor<K, 1>,
    y: Tensor<K, 1>,
    other_x: Tensor<K, 1>,
    other_y: Tensor<K, 1>,
) -> Tensor {
    let g = grad(|m| error(m, x, y), m);
    let rate = 0.1;
    let h = (matmul(other_x, m.a.w - rate * g.a.w) + m.a.b - rate * g.a.b).tanh();
    let h = (matmul(h, m.b.w - rate * g.b.w) + m.b.b - rate * g.b.b).tanh();
    let found = matmul(h, m.out.w - rate * g.out.w) + m.out.b - rate * g.out.b;
    mse(found, other_y)
}

/// The mean over a batch of curves: tasks in a loop.
#[model]
fn loss<Tasks, K>(
    m: &Net,
    x: Tensor<Tasks, K, 1>,
    y: Tensor<Tasks, K, 1>,
    other_x: Tensor<Tasks, K, 1>,
    other_y: Tensor<Tasks, K, 1>,
) -> Tensor {
    let mut sum = 0.0;
    for t in 0..Tasks {
        sum += adapted(m, x[t], y[t], other_x[t], other_y[t]);
    }
    sum / Tasks
}

/// Numbers from 0 to 1, the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 40) as f32 / (1u64 << 24) as f32
    }
}

/// Points of sines with random amplitudes and phases: x and y, `points` of each of `tasks`.
fn curves(numbers: &mut Numbers, tasks: usize, points: usize) -> [ndarray::Array3<f32>; 4] {
    let shape = (tasks, points, 1);
    let waves: Vec<(f32, f32)> = (0..tasks)
        .map(|_| (0.5 + 1.5 * numbers.next(), 3.0 * numbers.next()))
        .collect();
    let mut half = || {
        let x = ndarray::Array3::from_shape_fn(shape, |_| 6.0 * numbers.next() - 3.0);
        let y = ndarray::Array3::from_shape_fn(shape, |(t, k, _)| {
            waves[t].0 * (x[[t, k, 0]] + waves[t].1).sin()
        });
        (x, y)
    };
    let ((x, y), (other_x, other_y)) = (half(), half());
    [x, y, other_x, other_y]
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut numbers = Numbers(7);
    check(&mut numbers)?;
    let mut train = loss::train(Net::init(1))
        .optimizer(Adam::new(2e-3))
        .build()?;
    let mut mean = 0.0;
    for step in 1..=2000 {
        let [x, y, other_x, other_y] = curves(&mut numbers, 16, 10);
        mean += train.step(&x, &y, &other_x, &other_y)?.loss / 400.0;
        if step % 400 == 0 {
            println!("step {step:4}  error behind one inner step {mean:.4}");
            mean = 0.0;
        }
    }
    Ok(())
}

/// The gradient through the inner step against central differences, in f64.
fn check(numbers: &mut Numbers) -> Result<(), Box<dyn std::error::Error>> {
    let [x, y, other_x, other_y] = curves(numbers, 1, 10);
    let rows = |a: &ndarray::Array3<f32>| -> Array2<f64> {
        a.index_axis(ndarray::Axis(0), 0).mapv(f64::from)
    };
    let [x, y, other_x, other_y] = [rows(&x), rows(&y), rows(&other_x), rows(&other_y)];
    let net = Net::init(1);
    let gradient = adapted::gradient(&net, &x, &y, &other_x, &other_y)?;
    let slopes: Array1<f64> = gradient.out.w.values_f64().into_iter().collect();
    let at = |i: usize, by: f64| -> sinew::Result<f64> {
        let mut moved = net.clone();
        let mut values: Vec<f64> = moved.out.w.values_f64().into_iter().collect();
        values[i] += by;
        moved.out.w.set(values)?;
        let runner = adapted::compile(moved).precision(Precision::F64).build()?;
        runner.run_f64(&x, &y, &other_x, &other_y)
    };
    let mut worst = 0.0f64;
    for (i, slope) in slopes.iter().enumerate() {
        let difference = (at(i, 1e-5)? - at(i, -1e-5)?) / 2e-5;
        worst = worst.max((slope - difference).abs());
    }
    println!("gradient through the inner step, against differences: {worst:.1e} apart at most");
    match worst < 1e-6 {
        true => Ok(()),
        false => Err("the gradient is wrong".into()),
    }
}
