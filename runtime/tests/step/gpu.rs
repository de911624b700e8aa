//! The same runs on a GPU, where there is one.

use crate::golden::Run;
use crate::support::{Digits, Images, Labels, Logits, Relu, Tanh, digits, start};
use ndarray::s;
use sinew_runtime::{
    Adam, AdamW, Device, Error, Model, ModelFunction, Optimizer, Precision, Sgd, Train, Trainer,
    attach, gpu::testing,
};

/// The device; `None`, with a line that says so, where there is none.
fn device() -> Option<Device> {
    testing::device()?;
    Device::gpu().ok()
}

fn build<F: ModelFunction<Model = Digits>>(device: Device, optimizer: Optimizer) -> Trainer<F> {
    let train = Train::<F>::new(start()).optimizer(optimizer).device(device);
    train.build().unwrap()
}

fn run<F>(name: &str, optimizer: impl Into<Optimizer>)
where
    F: ModelFunction<Model = Digits, Inputs = (Images, Labels)>,
{
    if let Some(device) = device() {
        Run::load(name).check(&mut build::<F>(device, optimizer.into()), 1e-3);
    }
}

#[test]
fn sgd() {
    run::<Relu>("sgd", Sgd::new(0.1));
}

#[test]
fn sgd_momentum() {
    run::<Relu>("sgd_momentum", Sgd::new(0.05).momentum(0.9));
}

#[test]
fn sgd_nesterov() {
    run::<Relu>("sgd_nesterov", Sgd::new(0.05).momentum(0.9).nesterov(true));
}

#[test]
fn sgd_l2() {
    run::<Relu>("sgd_l2", Sgd::new(0.1).weight_decay(5e-4));
}

#[test]
fn adam() {
    run::<Relu>("adam", Adam::new(0.01));
}

#[test]
fn adamw() {
    run::<Relu>("adamw", AdamW::new(0.01));
}

#[test]
fn adam_clip() {
    run::<Relu>("adam_clip", Adam::new(0.01).clip_grad_norm(0.5));
}

#[test]
fn adam_tanh() {
    run::<Tanh>("adam_tanh", Adam::new(0.01));
}

#[test]
fn a_runner_shares_the_parameters() {
    let Some(device) = device() else { return };
    let (x, y) = digits();
    let (x, y) = (x.slice(s![..32, ..]), y.slice(s![..32]));
    let mut trainer = build::<Relu>(device, Adam::new(0.01).into());
    let mut runner = attach::<Logits>(&trainer).unwrap();
    let before = runner.run(x).unwrap();
    trainer.step(x, y).unwrap();
    // Another batch size is another program on the same parameters.
    trainer
        .step(x.slice(s![..7, ..]), y.slice(s![..7]))
        .unwrap();
    assert_eq!(trainer.compiles(), 2);
    let after = runner.run(x).unwrap();
    assert_ne!(before, after);
    let on_cpu = sinew_runtime::Compile::<Logits>::new(trainer.model().unwrap());
    let expected = on_cpu.build().unwrap().run(x).unwrap();
    let difference = (&after - &expected).mapv(f32::abs);
    assert!(difference.iter().all(|d| *d < 1e-4), "{difference}");
    assert!(trainer.wgsl().unwrap().contains("@compute"));
    assert!(matches!(trainer.clif(), Err(Error::NoCode(_))));
}

#[test]
fn a_step_that_is_not_finite_changes_nothing() {
    let Some(device) = device() else { return };
    let (x, y) = digits();
    for size in [1e30, f64::NAN] {
        let mut model = start();
        model.visit_mut("", &mut |_, p| p.fill(size));
        let train = Train::<Relu>::new(model)
            .optimizer(Adam::new(0.01))
            .check_finite(true);
        let mut trainer = train.device(device.clone()).build().unwrap();
        let error = trainer
            .step(x.slice(s![..8, ..]), y.slice(s![..8]))
            .unwrap_err();
        assert!(matches!(error, Error::Computed { .. }), "{error}");
        trainer.model().unwrap().visit("", &mut |_, p| {
            let narrow = size as f32;
            assert!(p.values().iter().all(|v| v.to_bits() == narrow.to_bits()));
        });
    }
}

#[test]
fn f64_is_refused() {
    let Some(device) = device() else { return };
    let train = Train::<Relu>::new(start())
        .device(device)
        .precision(Precision::F64);
    match train.build() {
        Err(error) => assert!(
            error.to_string().contains("computes in f32 only"),
            "{error}"
        ),
        Ok(_) => panic!("a GPU has no f64"),
    }
}

/// Elements that repeat, so that no memory is needed for them.
#[test]
fn a_tensor_past_the_limits_is_refused() {
    use crate::errors::declared::Negated;
    use ndarray::ArrayView1;
    let Some(device) = device() else { return };
    let limit = testing::device().unwrap().limits().binding_bytes;
    let elements = usize::try_from(limit / 4 + 1).unwrap();
    let one = [1.0f32];
    let x = ArrayView1::from(&one);
    let x = x.broadcast(elements).unwrap();
    let compile = sinew_runtime::Compile::<Negated>::new(()).device(device);
    let error = compile.build().unwrap().run(x).unwrap_err();
    assert!(matches!(error, Error::Gpu(_)), "{error}");
    assert!(error.to_string().contains(&limit.to_string()), "{error}");
}
