//! Bad arguments: each is an error with names, expected and actual, and changes no parameter.

use crate::support::{Digits, Relu, build, digits, start};
use ndarray::{Array1, Array2, s};
use sinew_runtime::{Adam, Device, Error, Model, Precision, Train, Trainer};

fn values(model: &Digits) -> Vec<f64> {
    let mut all = Vec::new();
    model.visit("", &mut |_, p| all.extend(p.values_f64()));
    all
}

/// The error of one step on a fresh trainer, after one good step; nothing may have changed.
fn refused(x: Array2<f64>, y: Array1<i32>) -> Error {
    let mut trainer: Trainer<Relu> = Train::new(start())
        .optimizer(Adam::new(0.01))
        .precision(Precision::F64)
        .check_finite(true)
        .build()
        .unwrap();
    let (good_x, good_y) = digits();
    let (good_x, good_y) = (good_x.slice(s![..8, ..]), good_y.slice(s![..8]));
    trainer.step(good_x, good_y).unwrap();
    let before = values(&trainer.model().unwrap());
    let error = trainer.step(&x, &y).unwrap_err();
    assert_eq!(values(&trainer.model().unwrap()), before);
    assert_eq!(trainer.steps(), 1);
    trainer.step(good_x, good_y).unwrap();
    error
}

fn batch(rows: usize) -> (Array2<f64>, Array1<i32>) {
    let (x, y) = digits();
    (
        x.slice(s![..rows, ..]).to_owned(),
        y.slice(s![..rows]).to_owned(),
    )
}

fn says(error: &Error, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

#[test]
fn wrong_extent() {
    let error = refused(Array2::zeros((8, 63)), Array1::zeros(8));
    assert!(matches!(error, Error::Bind(_)));
    says(&error, &["`x`", "B, 64", "8, 63"]);
}

#[test]
fn batch_that_disagrees() {
    let error = refused(batch(8).0, Array1::zeros(9));
    says(&error, &["`y`", "`B` is 8 from `x`", "9"]);
}

#[test]
fn nan_in_data() {
    let (mut x, y) = batch(8);
    x[[3, 5]] = f64::NAN;
    let error = refused(x, y);
    assert_eq!(error.to_string(), "`x` holds NaN at [3, 5]");
    let (mut x, y) = batch(8);
    x[[7, 63]] = f64::NEG_INFINITY;
    assert_eq!(refused(x, y).to_string(), "`x` holds -inf at [7, 63]");
}

#[test]
fn data_past_f32() {
    let (mut x, y) = batch(8);
    x[[0, 1]] = 1e39;
    let mut trainer = Train::<Relu>::new(start())
        .check_finite(true)
        .build()
        .unwrap();
    let error = trainer.step(x, y).unwrap_err().to_string();
    assert!(
        error.starts_with("`x` holds 1") && error.ends_with("at [0, 1]"),
        "{error}"
    );
}

#[test]
fn empty_batch() {
    let error = refused(Array2::zeros((0, 64)), Array1::zeros(0));
    assert_eq!(error.to_string(), "`x` is empty: it has shape (0, 64)");
}

#[test]
fn label_outside_the_classes() {
    for wrong in [10, -1, i32::MAX, i32::MIN] {
        let (x, mut y) = batch(8);
        y[2] = wrong;
        let error = refused(x, y);
        assert!(matches!(error, Error::Index { extent: 10, .. }));
        says(&error, &["`y`", &wrong.to_string(), "[2]", "below 10"]);
    }
}

#[test]
fn ignored_label_is_no_error() {
    let (x, mut y) = batch(8);
    y[2] = -100;
    let mut trainer = build::<Relu>(Adam::new(0.01), Precision::F64);
    trainer.step(&x, &y).unwrap();
}

#[test]
fn no_gpu_in_this_build() {
    #[cfg(not(feature = "gpu"))]
    says(&Device::gpu().unwrap_err(), &["GPU", "feature `gpu`"]);
    #[cfg(feature = "gpu")]
    if let Err(error) = Device::gpu() {
        assert!(matches!(error, Error::NoDevice(_)));
        says(&error, &["no GPU"]);
    }
}

/// Functions with hand-made declarations, for errors that the digits cannot make.
pub mod declared {
    use super::says;
    use ndarray::Array1;
    use sinew_ir::Unit;
    use sinew_runtime::{Arg, Compile, Error, Float, ModelFunction, Out, Rank};

    macro_rules! function {
        ($name:ident, $text:literal) => {
            pub enum $name {}
            impl ModelFunction for $name {
                type Model = ();
                type Inputs = (Arg<Float, Rank<1>>,);
                type Output = Out<Float, Rank<1>>;
                const UNIT: &'static Unit = &Unit {
                    path: "f",
                    file: "src/f.rs",
                    text: $text,
                    callees: &[],
                    consts: &[],
                };
            }
        };
    }
    function!(
        Negated,
        "fn @f<N>(%x: float[N]) -> float[N] {\n  %1 = neg %x\n  return %1\n}\n"
    );
    function!(
        Bounded,
        "fn @f<N>(%x: float[N]) -> float[N] where N <= 4 {\n  return %x\n}\n"
    );
    function!(
        Free,
        "fn @f<N, M>(%x: float[N]) -> float[N] {\n  return %x\n}\n"
    );

    fn error<F>(n: usize) -> Error
    where
        F: ModelFunction<Model = (), Inputs = (Arg<Float, Rank<1>>,)>,
    {
        let mut runner = Compile::<F>::new(()).build().unwrap();
        match runner.run(Array1::<f32>::zeros(n)) {
            Ok(_) => panic!("it must be refused"),
            Err(error) => error,
        }
    }

    #[test]
    fn constraint_that_is_broken() {
        says(&error::<Bounded>(5), &["`N <= 4`", "`N` is 5 from `x`"]);
        let mut runner = Compile::<Bounded>::new(()).build().unwrap();
        assert_eq!(runner.run([1.0, 2.0, 3.0, 4.0]).unwrap().len(), 4);
    }

    #[test]
    fn a_function_without_a_model_runs() {
        let mut runner = Compile::<Negated>::new(()).build().unwrap();
        assert_eq!(runner.run([1.0, -2.0]).unwrap().to_vec(), [-1.0, 2.0]);
    }

    #[test]
    fn symbol_that_nothing_binds() {
        says(&error::<Free>(5), &["`M`", "`f`"]);
    }
}
