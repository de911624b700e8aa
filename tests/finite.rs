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

#[model]
fn scaled(m: &Weights, x: Tensor<3>) -> Tensor {
    (m.w * x).sum()
}

/// Loss and gradients are finite; what the rule makes of them is not.
#[test]
fn an_update_past_the_range() -> sinew::Result<()> {
    let rules: [(sinew::optim::Optimizer, f32); 4] = [
        (Sgd::new(1e30).into(), 1e10),
        // The square of a gradient.
        (Adam::new(0.1).into(), 1e30),
        // The sum of squares: clipping by an infinite norm would make every gradient 0.
        (Sgd::new(0.1).clip_grad_norm(1.0).into(), 1e30),
        // A rate that Adam's correction of the first step takes past the range.
        (Adam::new(1e38).into(), 1.0),
    ];
    for (rule, x) in rules {
        let train = scaled::train(Weights::init(0))
            .optimizer(rule)
            .check_finite(true);
        let mut train = train.build()?;
        let error = train
            .step([x; 3])
            .expect_err("it leaves the range of f32")
            .to_string();
        assert!(
            error.contains("the update of `suite::finite::scaled` is not finite"),
            "{error}"
        );
        assert_eq!((train.model()?, train.steps()), (Weights::init(0), 0));
    }
    Ok(())
}

/// Without an epsilon, 0 / 0 of an element without gradient, and of what lies between the leaves.
#[test]
fn adam_without_an_epsilon() -> sinew::Result<()> {
    let train = scaled::train(Weights::init(0)).optimizer(Adam::new(0.5).epsilon(0.0));
    let mut train = train.check_finite(true).build()?;
    for _ in 0..3 {
        train.step([1.0, 0.0, -1.0])?;
    }
    let w = train.model()?.w.values();
    assert!(
        (w[0] + 0.5).abs() < 1e-5 && w[1] == 1.0 && (w[2] - 2.5).abs() < 1e-5,
        "{w}"
    );
    Ok(())
}

const DIVISION_LINE: u32 = line!() + 4;

#[model]
fn apart(m: &Weights, x: Tensor<3>) -> Tensor {
    (1.0 / (m.w + x - m.w)).sum()
}

/// f64 has the digits for it.
#[test]
fn a_difference_that_only_f32_loses() {
    let error = refused!(apart, 1.0, [1e-9, 1e-9, 1e-9], Precision::F32);
    let place = format!("at tests/finite.rs:{DIVISION_LINE}:");
    assert!(error.contains(&place), "{error}");
}

/// Compiled code takes it for 0.
#[test]
fn the_logarithm_of_a_denormal_number() {
    let error = refused!(entropy, 1.0, [[0.5, 1e-40, 0.5]], Precision::F32);
    assert!(
        error.contains(&format!("`log` at tests/finite.rs:{LOG_LINE}:")),
        "{error}"
    );
}

const RUN_LINE: u32 = line!() + 4;

#[model]
fn logs(m: &Weights, x: Tensor<3>) -> (Tensor<3>, Tensor<i32, 3>) {
    (x.log() * m.w, x.cast(i32))
}

#[test]
fn a_runners_results_are_looked_at() -> sinew::Result<()> {
    let quiet = logs::compile(Weights::init(0)).build()?;
    assert!(quiet.run([0.0, 1.0, 2.0])?.0[0].is_infinite());
    let checked = logs::compile(Weights::init(0)).check_finite(true).build()?;
    checked.run([0.5, 1.0, 2.0])?;
    let error = checked
        .run([0.0, 1.0, 2.0])
        .expect_err("the log of 0")
        .to_string();
    let place = format!("`log` at tests/finite.rs:{RUN_LINE}:");
    assert!(
        error.contains("the result of `suite::finite::logs`") && error.contains(&place),
        "{error}"
    );
    Ok(())
}
