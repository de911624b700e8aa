//! Programs are compiled once for each set of argument shapes, and the least used goes first.

use crate::support::{Logits, Relu, build, digits, start};
use ndarray::{Array2, s};
use sinew_runtime::{Compile, Precision, Sgd};

#[test]
fn one_program_a_batch_size() {
    let (x, y) = digits();
    let mut trainer = build::<Relu>(Sgd::new(0.1), Precision::F32);
    for (rows, compiles) in [(32, 1), (7, 2), (32, 2), (1, 3), (7, 3)] {
        trainer
            .step(x.slice(s![..rows, ..]), y.slice(s![..rows]))
            .unwrap();
        assert_eq!(trainer.compiles(), compiles);
    }
}

#[test]
fn the_least_recently_used_program_goes() {
    let x = Array2::<f32>::zeros((4, 64));
    let mut runner = Compile::<Logits>::new(start()).cache(2).build().unwrap();
    for (rows, compiles) in [(1, 1), (2, 2), (1, 2), (3, 3), (1, 3), (2, 4)] {
        runner.run(x.slice(s![..rows, ..])).unwrap();
        assert_eq!(runner.compiles(), compiles, "{rows} rows");
    }
}

#[test]
fn a_learning_rate_compiles_nothing() {
    let (x, y) = digits();
    let (x, y) = (x.slice(s![..32, ..]), y.slice(s![..32]));
    let mut trainer = build::<Relu>(Sgd::new(0.1), Precision::F64);
    let start = trainer.step(x, y).unwrap().loss;
    trainer.set_learning_rate(0.0).unwrap();
    let still = trainer.step(x, y).unwrap().loss;
    assert_ne!(start, still);
    assert_eq!(trainer.step(x, y).unwrap().loss, still);
    assert_eq!(
        (trainer.compiles(), trainer.learning_rate(), trainer.steps()),
        (1, 0.0, 3)
    );
}

#[test]
fn any_layout_of_an_argument_gives_the_same_loss() {
    let (x, y) = digits();
    let (x, y) = (x.slice(s![..9, ..]).to_owned(), y.slice(s![..9]).to_owned());
    let narrow = x.mapv(|v| v as f32);
    let mut losses = Vec::new();
    let mut step = |loss: f64| losses.push(loss);
    let fresh = || build::<Relu>(Sgd::new(0.1), Precision::F32);
    step(fresh().step(&narrow, &y).unwrap().loss);
    step(fresh().step(&x, &y).unwrap().loss);
    step(fresh().step(narrow.t().to_owned().t(), &y).unwrap().loss);
    // One element off any vector's alignment, read where it lies.
    let mut padded = vec![0.0; 1];
    padded.extend(narrow.iter());
    let shifted = ndarray::ArrayView2::from_shape((9, 64), &padded[1..]).unwrap();
    let mut labels = vec![0];
    labels.extend(y.iter());
    step(fresh().step(shifted, &labels[1..]).unwrap().loss);
    let doubled = ndarray::Array2::from_shape_fn((9, 128), |(i, j)| narrow[[i, j / 2]]);
    step(fresh().step(doubled.slice(s![.., ..;2]), &y).unwrap().loss);
    assert!(losses.iter().all(|l| *l == losses[0]), "{losses:?}");
}

#[test]
fn every_stage_has_a_text() {
    let (x, y) = digits();
    let mut trainer = build::<Relu>(Sgd::new(0.1).clip_grad_norm(1.0), Precision::F32);
    let error = trainer.linked().unwrap_err().to_string();
    assert_eq!(
        error,
        "nothing is compiled for `loss` yet: call it once, or `prepare` it"
    );
    trainer
        .prepare(x.slice(s![..32, ..]), y.slice(s![..32]))
        .unwrap();
    assert_eq!(trainer.steps(), 0);
    let signature = trainer.signature();
    assert!(
        signature.starts_with("fn @loss<B>(%m.hidden.w: param float[64, 32]"),
        "{signature}"
    );
    assert!(signature.ends_with("%y: i32[B]) -> float[]"), "{signature}");
    assert!(trainer.ir().contains("pullback(%15: float[])"));
    assert!(
        trainer
            .inlined()
            .unwrap()
            .contains("pullback(%15: float[])")
    );
    let linked = trainer.linked().unwrap();
    assert!(
        linked.contains("f32[32, 64]") && linked.contains("fn @update"),
        "{linked}"
    );
    assert!(
        trainer.explain().contains("params"),
        "{}",
        trainer.explain()
    );
    assert!(trainer.clif().unwrap().contains("function"));
    let memory = trainer.memory().unwrap();
    assert!(
        memory.contains("gradients") && memory.contains("scratch") && memory.contains("in all"),
        "{memory}"
    );
}
