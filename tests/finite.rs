//! With checking on, a step that computes NaN or an infinity names the operation and its line.

use sinew::prelude::*;

#[model]
struct Weights {
    #[init(ones)]
    w: Param<3>,
}

const LOG_LINE: u32 = line!() + 4;

#[model]
fn entropy<N>(m: &Weights, x: Tensor<N, 3>) -> Tensor {
    let logs = (m.w * x).log();
    -(logs * x).mean()
}

const ROOT_LINE: u32 = line!() + 4;

#[model]
fn root(m: &Weights, x: Tensor<3>) -> Tensor {
    (m.w * x).sqrt().sum()
}

/// The error of a step on a model whose weights are `weight`; nothing may have changed.
macro_rules! refused {
    ($loss:ident, $weight:expr, $x:expr, $precision:expr) => {{
        let mut model = Weights::init(0);
        model.w.fill($weight);
        let train = $loss::train(model.clone()).optimizer(AdamW::new(0.1));
        let train = train.precision($precision).check_finite(true).build();
        let mut train = train.expect("the settings fit");
        let error = train.step($x).expect_err("it is not finite");
        let after = train.model().expect("on the host");
        assert_eq!(after.w.values_f64(), model.w.values_f64());
        error.to_string()
    }};
}

#[test]
fn the_line_of_a_logarithm() {
    for precision in [Precision::F32, Precision::F64] {
        let error = refused!(entropy, 1.0, [[0.5, 0.0, 0.5]], precision);
        let place = format!("`log` at tests/finite.rs:{LOG_LINE}:");
        assert!(
            error.contains("the loss of") && error.contains(&place),
            "{error}"
        );
    }
}

#[test]
fn an_infinite_gradient_of_a_finite_loss() {
    let error = refused!(root, 0.0, [1.0, 1.0, 1.0], Precision::F32);
    assert!(error.contains("the gradient of"), "{error}");
    let place = format!("tests/finite.rs:{ROOT_LINE}:");
    assert!(error.contains(&place), "{error}");
}
