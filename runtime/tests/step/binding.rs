//! Errors of binding that the macro would refuse earlier, or that need no model.

use crate::text::{Row, Scalar, text_function};
use ndarray::Array1;
use sinew_runtime::{Compile, Error, Float, ModelFunction, Out, Param, Rank};

fn says(error: &Error, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

text_function!(
    Negated(Row),
    (),
    Out<Float, Rank<1>>,
    "f",
    "fn @f<N>(%x: float[N]) -> float[N] {\n  %1 = neg %x\n  return %1\n}\n"
);
text_function!(
    Bounded(Row),
    (),
    Out<Float, Rank<1>>,
    "f",
    "fn @f<N>(%x: float[N]) -> float[N] where N <= 4 {\n  return %x\n}\n"
);
text_function!(
    Free(Row),
    (),
    Out<Float, Rank<1>>,
    "f",
    "fn @f<N, M>(%x: float[N]) -> float[N] {\n  return %x\n}\n"
);

fn error<F>(n: usize) -> Error
where
    F: ModelFunction<Models = (), Inputs = (Row,)>,
{
    let runner = Compile::<F>::new(()).build();
    match runner.and_then(|runner| runner.run(Array1::<f32>::zeros(n))) {
        Ok(_) => panic!("it must be refused"),
        Err(error) => error,
    }
}

#[test]
fn constraint_that_is_broken() {
    says(&error::<Bounded>(5), &["`N <= 4`", "`N` is 5 from `x`"]);
    let runner = Compile::<Bounded>::new(()).build().unwrap();
    assert_eq!(runner.run([1.0, 2.0, 3.0, 4.0]).unwrap().len(), 4);
}

#[test]
fn a_function_without_a_model_runs() {
    let runner = Compile::<Negated>::new(()).build().unwrap();
    assert_eq!(runner.run([1.0, -2.0]).unwrap().to_vec(), [-1.0, 2.0]);
}

#[test]
fn symbol_that_nothing_binds() {
    let error = Compile::<Free>::new(()).build().map(|_| ());
    says(&error.expect_err("before any argument"), &["`M`", "`f`"]);
}

text_function!(
    Wide(),
    (Vec<Param>,),
    Scalar,
    "wide",
    "fn @wide(%m: Vec { 0: param f64[] }) -> f64[] {\n  return %m.0\n}\n"
);

#[test]
fn a_parameter_with_an_element_type_of_its_own() {
    let Err(error) =
        Compile::<Wide>::new((sinew_runtime::Shared::new(vec![Param::zeros(&[])]),)).build()
    else {
        panic!("it would be packed as f32 and read as f64");
    };
    assert_eq!(
        error.to_string(),
        "`0` of `wide` has elements of type f64, and must be of the working float"
    );
}

text_function!(
    /// A number that no parameter changes.
    Constant(),
    (Vec<Param>,),
    Scalar,
    "constant",
    "fn @constant(%m: Vec { 0: param float[] }) -> float[] {\n  %1 = const value 1 dtype float shape []\n  return %1\n}\n"
);

#[test]
fn what_is_no_loss_is_told() {
    let Err(error) = sinew::__private::train::<Negated>(()).build() else {
        panic!("it returns a vector");
    };
    assert_eq!(
        error.to_string(),
        "`f` cannot be trained: it returns `Tensor<N>`, and a loss is one number of the working float \
         (`Tensor`) that depends on a parameter"
    );
    let Err(error) =
        sinew::__private::train::<Constant>((sinew_runtime::Shared::new(vec![Param::zeros(&[])]),))
            .build()
    else {
        panic!("its parameter changes nothing");
    };
    says(
        &error,
        &["`constant`", "returns `Tensor` that depends on none"],
    );
}

/// What a `main` that returns an error prints is its `Debug`.
#[test]
fn debug_is_the_message() {
    let error = error::<Bounded>(5);
    assert_eq!(format!("{error:?}"), error.to_string());
    assert_eq!(format!("{error:#?}"), error.to_string());
    let error = std::io::Error::other("the disk is full");
    let path = "model.safetensors".into();
    let error = Error::File {
        path,
        source: error,
    };
    assert_eq!(format!("{error:?}"), "model.safetensors: the disk is full");
}
