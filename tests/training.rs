//! PyTorch's training runs, step for step: losses, gradient norms and final parameters.
//!
//! Tolerances: 1e-9 in f64; 1e-4 in f32 on the CPU and 1e-3 on a GPU, whose roundings differ and add
//! up over 40 steps.

use crate::digits as data;

use data::digits;
use ndarray::s;
use safetensors::SafeTensors;
use sinew::Step;
use sinew::optim::{Adagrad, RmsProp, Schedule};
use sinew::prelude::*;
#[cfg(feature = "gpu")]
use sinew_runtime::gpu::testing;
use std::collections::BTreeMap;

const HIDDEN: usize = 32;

#[model]
struct Digits {
    hidden: Linear<64, HIDDEN>,
    out: Linear<HIDDEN, 10>,
}

#[model]
fn relu_loss<B>(m: &Digits, x: Tensor<B, 64>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(m.out.forward(m.hidden.forward(x).relu()), y)
}

#[model]
fn tanh_loss<B>(m: &Digits, x: Tensor<B, 64>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(m.out.forward(m.hidden.forward(x).tanh()), y)
}

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

/// The files of runs, without their ends.
const FILES: [&str; 2] = ["train", "train_more"];

/// The parameters called `prefix/..` in a file.
fn tensors(file: &str, prefix: &str) -> BTreeMap<String, Vec<f64>> {
    let bytes = std::fs::read(format!("{DATA}/{file}.safetensors")).expect("a file of the tests");
    let file = SafeTensors::deserialize(&bytes).expect("a safetensors file");
    let named = |(name, tensor): (String, safetensors::tensor::TensorView<'_>)| {
        let path = name.strip_prefix(prefix)?.strip_prefix('/')?;
        let words = tensor.data().as_chunks().0.iter();
        Some((
            path.to_string(),
            words.map(|w| f64::from_le_bytes(*w)).collect(),
        ))
    };
    file.tensors().into_iter().filter_map(named).collect()
}

/// The parameters that all runs start from.
fn start() -> Digits {
    let mut model = Digits::init(0);
    let values = tensors("train", "digits_mlp/init");
    model.visit_mut("", &mut |path, param| {
        param.set(&values[path]).expect("the same shape");
    });
    model
}

/// A run of PyTorch's.
struct Run {
    name: String,
    file: &'static str,
    losses: Vec<f64>,
    norms: Vec<f64>,
}

impl Run {
    fn load(name: &str) -> Run {
        let runs = |file| {
            let json = std::fs::read_to_string(format!("{DATA}/{file}.json")).expect("as written");
            let json: serde_json::Value = serde_json::from_str(&json).expect("as written");
            json["runs"].as_array().expect("as written").clone()
        };
        let mut all = FILES
            .into_iter()
            .flat_map(|f| runs(f).into_iter().map(move |r| (f, r)));
        let (file, run) = all.find(|(_, r)| r["name"] == name).expect("as written");
        let numbers = |key: &str| {
            let values = run[key].as_array().expect("as written").iter();
            values.map(|v| v.as_f64().expect("as written")).collect()
        };
        Run {
            name: name.into(),
            file,
            losses: numbers("losses"),
            norms: numbers("grad_norms"),
        }
    }

    /// Checks what `step` reports at each step, then the parameters that `model` gives.
    fn check(
        &self,
        tolerance: f64,
        mut step: impl FnMut(ndarray::ArrayView2<f64>, ndarray::ArrayView1<i32>) -> Step,
        model: impl FnOnce() -> Digits,
    ) {
        let name = &self.name;
        let (x, y) = digits();
        for (number, expected) in self.losses.iter().enumerate() {
            let at = number * 32 % (1797 - 32);
            let taken = step(x.slice(s![at..at + 32, ..]), y.slice(s![at..at + 32]));
            let error = (taken.loss - expected).abs() / expected.abs();
            assert!(
                error < tolerance,
                "{name} step {number}: {} for {expected}",
                taken.loss
            );
            if let Some(norm) = self.norms.get(number) {
                let found = taken.grad_norm.expect("clipping is on");
                let error = (found - norm).abs() / norm;
                assert!(
                    error < tolerance,
                    "{name} norm at {number}: {found} for {norm}"
                );
            }
        }
        let ends = tensors(self.file, &format!("{name}/final"));
        model().visit("", &mut |path, param| {
            for (found, expected) in param.values_f64().iter().zip(&ends[path]) {
                let error = (found - expected).abs() / expected.abs().max(1.0);
                assert!(error < tolerance, "{name} {path}: {found} for {expected}");
            }
        });
    }
}

/// A test of each run on the CPU in both precisions, and on a GPU where there is one.
macro_rules! runs {
    ($($name:ident, $loss:ident, $optimizer:expr $(, $schedule:expr)?;)*) => {$(
        mod $name {
            use super::*;

            fn check(device: Device, precision: Precision, tolerance: f64) {
                let train = $loss::train(start()).optimizer($optimizer);
                $(let train = train.schedule($schedule);)?
                let train = train.device(device).precision(precision).build();
                let trainer = std::cell::RefCell::new(train.expect("the settings fit"));
                Run::load(stringify!($name)).check(
                    tolerance,
                    |x, y| trainer.borrow_mut().step(x, y).expect("the batch fits"),
                    || trainer.borrow().model().expect("the device is there"),
                );
                // Another rule's test may have compiled the same step.
                let stats = trainer.borrow().cache_stats();
                assert_eq!(stats.compiles + stats.shared, 1);
            }

            #[test]
            fn f64() {
                check(Device::cpu(), Precision::F64, 1e-9);
            }

            #[test]
            fn f32() {
                check(Device::cpu(), Precision::F32, 1e-4);
            }

            #[cfg(feature = "gpu")]
            #[test]
            fn gpu() {
                if let Some(device) = testing::device() {
                    check(device, Precision::F32, 1e-3);
                }
            }
        }
    )*};
}

runs! {
    sgd, relu_loss, Sgd::new(0.1);
    sgd_momentum, relu_loss, Sgd::new(0.05).momentum(0.9);
    sgd_nesterov, relu_loss, Sgd::new(0.05).momentum(0.9).nesterov(true);
    sgd_l2, relu_loss, Sgd::new(0.1).weight_decay(5e-4);
    adam, relu_loss, Adam::new(0.01);
    adamw, relu_loss, AdamW::new(0.01);
    adam_clip, relu_loss, Adam::new(0.01).clip_grad_norm(0.5);
    adam_tanh, tanh_loss, Adam::new(0.01);
    adam_cosine, relu_loss, Adam::new(0.01), Schedule::cosine(35).to(0.1).warmup(5);
    adam_staircase, relu_loss, Adam::new(0.01), Schedule::staircase(0.7, 10);
    rmsprop, relu_loss, RmsProp::new(0.003);
    adagrad, relu_loss, Adagrad::new(0.05);
    adam_l2, relu_loss, Adam::new(0.01).weight_decay(0.05);
    adam_betas, relu_loss, Adam::new(0.01).betas(0.8, 0.95).epsilon(1e-3);
    adamw_decay, relu_loss, AdamW::new(0.01).weight_decay(0.1);
    nesterov_l2_clip, relu_loss,
        Sgd::new(0.05).momentum(0.9).nesterov(true).weight_decay(5e-3).clip_grad_norm(0.5);
}

/// AdamW's first 20 losses on the digits: a GPU's are the CPU's to 1e-4.
#[cfg(feature = "gpu")]
#[test]
fn devices_agree() {
    let Some(gpu) = testing::device() else { return };
    let (x, y) = digits();
    let losses = |device: Device| -> sinew::Result<Vec<f64>> {
        let mut train = relu_loss::train(Digits::init(42))
            .optimizer(AdamW::new(3e-3))
            .device(device)
            .build()?;
        let step = |i: usize| -> sinew::Result<f64> {
            let rows = s![32 * i..32 * (i + 1), ..];
            let labels = s![32 * i..32 * (i + 1)];
            Ok(train.step(x.slice(rows), y.slice(labels))?.loss)
        };
        (0..20).map(step).collect()
    };
    let (here, there) = (losses(Device::cpu()), losses(gpu));
    let (here, there) = (here.expect("a CPU's"), there.expect("a GPU's"));
    for (step, (a, b)) in here.iter().zip(&there).enumerate() {
        assert!((a - b).abs() <= 1e-4 * a, "step {step}: {a} and {b}");
    }
}
