//! Steps that compute NaN or infinities: an error that names the operation, and nothing changed.

use crate::support::{Relu, digits, start};
use ndarray::s;
use sinew::optim::Adam;
use sinew_runtime::{Error, Model, Precision};

/// With weights so large that a product leaves the range of f32 (f64 stays finite), or of f64.
fn overflowing(precision: Precision, size: f64) -> (Error, bool) {
    let (x, y) = digits();
    let (x, y) = (x.slice(s![..8, ..]), y.slice(s![..8]));
    let mut model = start();
    model.visit_mut("", &mut |_, p| p.fill(size));
    let mut before = Vec::new();
    model.visit("", &mut |_, p| before.push(p.values_f64()));
    let mut trainer = sinew::__private::train::<Relu>((sinew_runtime::Shared::new(model),))
        .optimizer(Adam::new(0.01).clip_grad_norm(1.0))
        .precision(precision)
        .check_finite(true)
        .build()
        .unwrap();
    let error = trainer.step(x, y).unwrap_err();
    let mut after = Vec::new();
    trainer
        .model()
        .unwrap()
        .visit("", &mut |_, p| after.push(p.values_f64()));
    assert_eq!(trainer.steps(), 0);
    (error, before == after)
}

/// The first such product is named, and nothing is changed.
fn the_product_is_named(precision: Precision, size: f64) {
    let (error, unharmed) = overflowing(precision, size);
    assert!(unharmed);
    let text = error.to_string();
    assert!(
        text.contains("`loss` is not finite: `dot` at src/digits.rs:12:3 made the first"),
        "{text}"
    );
}

#[test]
fn the_operation_and_its_place_are_named() {
    the_product_is_named(Precision::F64, 1e200);
}

#[test]
fn a_value_past_f32_is_an_error_too() {
    the_product_is_named(Precision::F32, f64::from(1e30f32));
}

#[test]
fn parameters_that_are_nan_are_named() {
    let (x, y) = digits();
    let mut model = start();
    model.out[1].fill(f64::NAN);
    let mut trainer = sinew::__private::train::<Relu>((sinew_runtime::Shared::new(model),))
        .check_finite(true)
        .build()
        .unwrap();
    let error = trainer
        .step(x.slice(s![..8, ..]), y.slice(s![..8]))
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the loss of `loss` is not finite: `m.out.b` is not"
    );
}
