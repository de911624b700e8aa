//! Bad arguments: each is an error with names, expected and actual, and changes no parameter.

use ndarray::{Array1, Array2};
use sinew::Error;
use sinew::prelude::*;

#[model]
struct Digits {
    hidden: Linear<64, 16>,
    out: Linear<16, 10>,
}

#[model(where(B <= 1000))]
fn loss<B>(m: &Digits, x: Tensor<B, 64>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(m.out.forward(m.hidden.forward(x).relu()), y)
}

fn batch(rows: usize) -> (Array2<f64>, Array1<i32>) {
    let x = Array2::from_shape_fn((rows, 64), |(i, j)| ((i * 7 + j * 3) % 11) as f64 / 11.0);
    (x, Array1::from_shape_fn(rows, |i| i as i32 % 10))
}

fn values(model: &Digits) -> Vec<f64> {
    let mut all = Vec::new();
    model.visit("", &mut |_, p| all.extend(p.values_f64()));
    all
}

/// The error of one step, after one good step and before another; it may have changed nothing.
fn refused(x: Array2<f64>, y: Array1<i32>, precision: Precision) -> Error {
    let train = loss::train(Digits::init(1)).optimizer(Adam::new(0.01));
    let train = train.precision(precision).check_finite(true).build();
    let mut train = train.expect("the settings fit");
    let (good_x, good_y) = batch(8);
    train.step(&good_x, &good_y).expect("a good batch");
    let before = values(&train.model().expect("on the host"));
    let error = train.step(&x, &y).expect_err("it must be refused");
    assert_eq!(values(&train.model().expect("on the host")), before);
    assert_eq!(train.steps(), 1);
    train.step(&good_x, &good_y).expect("a good batch");
    error
}

fn says(error: &Error, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

#[test]
fn wrong_extent() {
    let error = refused(Array2::zeros((8, 63)), Array1::zeros(8), Precision::F64);
    assert!(matches!(error, Error::Bind(_)));
    says(&error, &["`x`", "B, 64", "8, 63"]);
}

#[test]
fn batch_that_disagrees() {
    let error = refused(batch(8).0, Array1::zeros(9), Precision::F64);
    says(&error, &["`y`", "`B` is 8 from `x`", "9"]);
}

#[test]
fn nan_in_data() {
    let (mut x, y) = batch(8);
    x[[3, 5]] = f64::NAN;
    let error = refused(x, y, Precision::F64);
    assert_eq!(error.to_string(), "`x` holds NaN at [3, 5]");
    let (mut x, y) = batch(8);
    x[[7, 63]] = f64::NEG_INFINITY;
    assert_eq!(
        refused(x, y, Precision::F64).to_string(),
        "`x` holds -inf at [7, 63]"
    );
}

#[test]
fn data_past_f32() {
    let (mut x, y) = batch(8);
    x[[0, 1]] = 1e39;
    let error = refused(x, y, Precision::F32).to_string();
    assert!(
        error.starts_with("`x` holds 1") && error.ends_with("at [0, 1]"),
        "{error}"
    );
}

#[test]
fn empty_batch() {
    let error = refused(Array2::zeros((0, 64)), Array1::zeros(0), Precision::F64);
    assert_eq!(error.to_string(), "`x` is empty: it has shape (0, 64)");
}

#[test]
fn label_outside_the_classes() {
    for wrong in [10, -1, i32::MAX, i32::MIN] {
        let (x, mut y) = batch(8);
        y[2] = wrong;
        let error = refused(x, y, Precision::F64);
        assert!(matches!(error, Error::Index { extent: 10, .. }));
        says(&error, &["`y`", &wrong.to_string(), "[2]", "below 10"]);
    }
}

#[test]
fn an_ignored_label_is_no_error() -> sinew::Result<()> {
    let (x, mut y) = batch(8);
    y[2] = -100;
    loss::train(Digits::init(1)).build()?.step(&x, &y)?;
    Ok(())
}

#[test]
fn a_constraint_that_is_broken() {
    let (x, y) = batch(1001);
    let error = refused(x, y, Precision::F64);
    says(&error, &["`B <= 1000`", "`B` is 1001 from `x`"]);
}

#[test]
fn more_dims_than_any_program_takes() {
    #[model]
    fn negated<T>(x: Tensor<[T]>) -> Tensor<[T]> {
        -x
    }
    let runner = negated::compile().build().expect("no model is needed");
    let error = runner
        .run(ndarray::ArrayD::<f32>::zeros(vec![1; 9]))
        .expect_err("9 dims");
    assert_eq!(error.to_string(), "`x` has 9 dims; at most 8 can be passed");
    assert!(
        runner
            .run(ndarray::ArrayD::<f32>::zeros(vec![1; 8]))
            .is_ok()
    );
}

#[cfg(not(feature = "gpu"))]
#[test]
fn no_gpu_in_this_build() {
    let error = Device::gpu().expect_err("a build without");
    says(&error, &["GPU", "feature `gpu`"]);
}

/// The Vulkan loader is told of a driver that is not there, in a process of its own.
#[cfg(feature = "gpu")]
#[test]
fn no_gpu_on_this_machine() {
    const INSIDE: &str = "SINEW_TEST_WITHOUT_A_GPU";
    if std::env::var_os(INSIDE).is_some() {
        let error = Device::gpu().expect_err("no driver");
        assert!(matches!(error, Error::NoDevice(_)));
        says(&error, &["no GPU on this machine: looked for vulkan; "]);
        return;
    }
    let mut child = std::process::Command::new(std::env::current_exe().expect("this test"));
    child
        .args(["--exact", "bad_input::no_gpu_on_this_machine"])
        .env(INSIDE, "1");
    for drivers in ["VK_DRIVER_FILES", "VK_ICD_FILENAMES"] {
        child.env(drivers, "/no/such/driver.json");
    }
    let output = child.output().expect("a process");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[test]
fn a_learning_rate_that_no_step_can_use() -> sinew::Result<()> {
    let mut train = loss::train(Digits::init(1))
        .optimizer(Adam::new(0.01))
        .build()?;
    let (x, y) = batch(8);
    train.step(&x, &y)?;
    for (rate, words) in [
        (
            f64::NAN,
            "learning rate is NaN, and must be finite and at least 0",
        ),
        (
            -0.1,
            "learning rate is -0.1, and must be finite and at least 0",
        ),
        (
            f64::INFINITY,
            "learning rate is inf, and must be finite and at least 0",
        ),
        (
            1e39,
            "learning rate is 1e39, and must be finite and at least 0 in f32",
        ),
    ] {
        let error = train
            .set_learning_rate(rate)
            .expect_err("no step can use it");
        assert_eq!(error.to_string(), format!("the optimizer's {words}"));
        assert_eq!(train.learning_rate(), 0.01);
    }
    train.set_learning_rate(0.5)?;
    assert_eq!(train.learning_rate(), 0.5);
    train.step(&x, &y)?;
    Ok(())
}
