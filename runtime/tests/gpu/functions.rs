//! Functions over operations that run along axes, sort, or are series, trained and run as whole
//! programs: the GPU's numbers are the CPU's.

use ndarray::{Array2, ArrayD};
use sinew::prelude::*;
use sinew_ir::Unit;
use sinew_runtime::{Arg, Float, ModelFunction, Out, Rank, Shared, Trainer, gpu::testing};

#[model]
struct Layer {
    #[init(normal(0.5))]
    w: Param<6, 8>,
    #[init(normal(0.1))]
    b: Param<8>,
}

#[model]
fn hidden<B>(m: &Layer, x: Tensor<B, 6>) -> Tensor<B, 8> {
    matmul(x, m.w) + m.b
}

#[model]
fn running<B>(m: &Layer, x: Tensor<B, 6>) -> Tensor {
    let h = hidden(m, x);
    let products = (1.0 + 0.1 * h).cumprod(-1);
    (h.cumsum(0) * products).tanh().mean() + h.prod(axis = -1).mean()
}

#[model]
fn ordered<B>(m: &Layer, x: Tensor<B, 6>) -> Tensor {
    let h = hidden(m, x);
    let (sorted, _) = h.sort(axis = -1, descending = true);
    let (best, _) = h.topk(3);
    (sorted * arange(8).cast(float)).mean() + best.square().mean() + h.max(axis = 0).mean()
}

#[model]
fn waves<B>(m: &Layer, x: Tensor<B, 6>) -> Tensor {
    let h = hidden(m, x);
    let inside = 0.9 * h.tanh();
    let circles = h.sin() * h.cos() + inside.tan() + inside.asin() - inside.acos() + h.atan();
    let growth = 0.1 * (h.sinh() + h.cosh()) + h.expm1().log1p() + h.softplus();
    (circles + growth * (1.0 + h.square()).rsqrt() + h.round() - h.ceil()).mean()
}

#[model]
fn rows<B>(m: &Layer, x: Tensor<B, 6>) -> (Tensor<B, 8>, Tensor<i32, B, 8>, Tensor<B, 8>) {
    let h = hidden(m, x);
    (
        h.cumsum(-1),
        h.argsort(),
        h.sin() + h.softplus() + h.log_softmax(),
    )
}

/// A convolution of one dim over windows of a padded sequence, which the language does not have yet.
enum Convolved {}
impl ModelFunction for Convolved {
    type Models = (Vec<Param>,);
    type Inputs = (Arg<Float, Rank<2>>,);
    type Output = Out<Float, Rank<0>>;
    const UNIT: &'static Unit = &Unit {
        path: "convolved",
        file: "src/convolved.rs",
        text: "fn @convolved<B>(%m: Vec { 0: param float[6, 8] }, %x: float[B, 6]) -> float[] {
  %2 = pad %x axis [1] widths [1, 1, 1]
  %3 = windows %2 axis [1] size [3] step [1] dilation [1]
  %4 = slice %m.0 axis [0] range [0, 3, 1]
  %5 = dot %3, %4 contract_x [2] contract_y [0]
  %6 = tanh %5
  %7 = mean %6 axes [0, 1, 2]
  return %7
}
",
        callees: &[],
        consts: &[],
    };
}

fn batch(rows: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, 6), |(i, j)| ((6 * i + j) as f32 * 0.37).sin())
}

/// Equal up to 1e-5 of the greatest element.
fn close(what: &str, found: &ArrayD<f32>, expected: &ArrayD<f32>) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    let greatest = expected.iter().fold(0f32, |m, v| m.max(v.abs()));
    for (f, e) in found.iter().zip(expected) {
        assert!(
            (f - e).abs() <= 1e-5 * greatest,
            "{what}: {f} for {e}, the greatest being {greatest}"
        );
    }
}

fn leaves<M: Model>(model: &M) -> Vec<ArrayD<f32>> {
    let mut leaves = Vec::new();
    model.visit("", &mut |_, param| leaves.push(param.values()));
    leaves
}

/// Trains on both devices, and compares losses, gradients and parameters after each step.
macro_rules! train_on_both {
    ($name:literal, $build:expr) => {
        let Some(device) = testing::device() else {
            return;
        };
        let (mut on_gpu, mut on_cpu) = ($build(device), $build(Device::cpu()));
        for step in 0..6 {
            // Two sizes, in turn.
            let x = batch(5 + 8 * (step % 2));
            let found = on_gpu.step(&x).expect("a step");
            let expected = on_cpu.step(&x).expect("a step");
            let difference = (found.loss - expected.loss).abs();
            assert!(
                difference <= 1e-5 * expected.loss.abs().max(0.1),
                "{}, step {step}: {} for {}",
                $name,
                found.loss,
                expected.loss
            );
            let pairs = |found: Vec<_>, expected: Vec<_>, what: &str| {
                for (f, e) in found.iter().zip(&expected) {
                    close(&format!("{}, {what} of step {step}", $name), f, e);
                }
            };
            let gradients = on_gpu.gradients().expect("read");
            let expected = on_cpu.gradients().expect("read");
            pairs(leaves(&gradients), leaves(&expected), "gradients");
            let (model, expected) = (on_gpu.model().expect("read"), on_cpu.model().expect("read"));
            pairs(leaves(&model), leaves(&expected), "parameters");
        }
    };
}

#[test]
fn what_runs_along_axes_trains() {
    let build = |device| -> Trainer<running> {
        let train = running::train(Layer::init(3)).optimizer(Sgd::new(0.1));
        train.device(device).build().expect("a trainer")
    };
    train_on_both!("running", build);
}

#[test]
fn what_is_sorted_trains() {
    let build = |device| -> Trainer<ordered> {
        let train = ordered::train(Layer::init(4)).optimizer(Sgd::new(0.1));
        train.device(device).build().expect("a trainer")
    };
    train_on_both!("ordered", build);
}

#[test]
fn series_train() {
    let build = |device| -> Trainer<waves> {
        let train = waves::train(Layer::init(5)).optimizer(Sgd::new(0.1));
        train.device(device).build().expect("a trainer")
    };
    train_on_both!("waves", build);
}

#[test]
fn a_convolution_trains() {
    let build = |device| -> Trainer<Convolved> {
        let model = (Shared::new(vec![Layer::init(6).w]),);
        let train = sinew::__private::train(model).optimizer(Sgd::new(0.5));
        train.device(device).build().expect("a trainer")
    };
    train_on_both!("convolved", build);
}

#[test]
fn several_results_run() {
    let Some(device) = testing::device() else {
        return;
    };
    let build = |device| {
        let compile = rows::compile(Layer::init(7)).device(device);
        compile.build().expect("a runner")
    };
    let (on_gpu, on_cpu) = (build(device), build(Device::cpu()));
    for count in [1, 7, 64] {
        let x = batch(count);
        let (sums, order, mixed) = on_gpu.run(&x).expect("a run");
        let (sums_there, order_there, mixed_there) = on_cpu.run(&x).expect("a run");
        close("sums", &sums.into_dyn(), &sums_there.into_dyn());
        assert_eq!(order, order_there);
        close("mixed", &mixed.into_dyn(), &mixed_there.into_dyn());
    }
}
