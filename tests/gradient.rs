//! `f::gradient(&model, ..)` and plain calls: values and derivatives without a trainer.

use crate::floats::{close, floats, points};
use sinew::ndarray::Array1;
use sinew::prelude::*;

#[model]
struct Point {
    #[init(ones)]
    x: Param,
    #[init(ones)]
    y: Param,
}

#[model]
fn z(p: &Point) -> Tensor {
    p.x * p.y + p.x
}

#[model]
fn weighted(p: &Point, by: Tensor) -> Tensor {
    by * z(p)
}

#[test]
fn a_product_rule() -> sinew::Result<()> {
    let mut point = Point::init(0);
    point.x.fill(2.0);
    point.y.fill(3.0);
    assert_eq!(z(&point)?, 8.0);
    let by = z::gradient(&point)?;
    assert_eq!((by.x.item()?, by.y.item()?), (4.0, 2.0));
    assert_eq!(weighted(&point, 0.5)?, 4.0);
    let by = weighted::gradient(&point, 0.5)?;
    assert_eq!((by.x.item()?, by.y.item()?), (2.0, 1.0));
    Ok(())
}

#[model]
struct Pair {
    #[init(ones)]
    a: Param<3>,
    #[init(ones)]
    b: Param<3>,
}

#[model]
fn total(m: &Pair) -> Tensor {
    (m.a + m.b).sum()
}

#[model]
fn weighted_total(m: &Pair, x: Tensor<3>) -> Tensor {
    ((m.a - m.b) * x).sum()
}

#[model]
fn twice(x: Tensor<3>) -> (Tensor<3>, Tensor<3>, Tensor) {
    (x, x, x.sum())
}

#[test]
fn parameters_of_one_gradient() -> sinew::Result<()> {
    let by = total::gradient(&Pair::init(0))?;
    let ones = ndarray::arr1(&[1.0; 3]).into_dyn();
    assert_eq!((by.a.values(), by.b.values()), (ones.clone(), ones));
    let mut train = total::train(Pair::init(0))
        .optimizer(Sgd::new(0.25))
        .build()?;
    assert_eq!(train.step()?.loss, 6.0);
    assert_eq!(train.step()?.loss, 4.5);
    Ok(())
}

#[test]
fn a_gradient_that_is_the_argument() -> sinew::Result<()> {
    let by = weighted_total::gradient(&Pair::init(0), [1.0, 2.0, 3.0])?;
    assert_eq!(by.a.values(), ndarray::arr1(&[1.0, 2.0, 3.0]).into_dyn());
    assert_eq!(by.b.values(), ndarray::arr1(&[-1.0, -2.0, -3.0]).into_dyn());
    Ok(())
}

#[test]
fn results_that_are_the_argument() -> sinew::Result<()> {
    let x = [1.0, 2.0, 3.0];
    let (a, b, sum) = twice(x)?;
    assert_eq!(
        (a.to_vec(), b.to_vec(), sum),
        (vec![1.0, 2.0, 3.0], vec![1.0, 2.0, 3.0], 6.0)
    );
    Ok(())
}

/// A metric among what is trained: its value counts, its derivative is never asked for.
mod metric {
    use sinew::prelude::*;

    #[model]
    pub struct Line {
        #[init(ones)]
        pub slope: Param,
    }

    #[model(no_derivative = "it is a metric")]
    pub fn spread<N>(m: &Line, x: Tensor<N>) -> Tensor {
        (m.slope * x).max() - x.min()
    }

    #[model]
    pub fn loss<N>(m: &Line, x: Tensor<N>) -> Tensor {
        (m.slope * x).square().sum() + stop_gradient(spread(m, x))
    }
}

#[test]
fn a_function_without_a_derivative_counts_where_none_is_needed() -> sinew::Result<()> {
    let m = metric::Line::init(0);
    assert_eq!(metric::spread(&m, [1.0, 3.0])?, 2.0);
    assert_eq!(metric::loss(&m, [1.0, 3.0])?, 12.0);
    // 2 * slope * (1 + 9)
    let gradient = metric::loss::gradient(&m, [1.0, 3.0])?;
    assert_eq!(gradient.slope.item()?, 20.0);
    let train = metric::loss::train(m).build()?;
    assert_eq!(metric::spread::attach(&train)?.run([1.0, 3.0])?, 2.0);
    Ok(())
}

#[model]
struct Net {
    hidden: Linear<2, 6>,
    out: Linear<6, 1>,
}

#[model]
fn fit<B>(m: &Net, x: Tensor<B, 2>, y: Tensor<B>) -> (Tensor, Tensor<B>) {
    let found = m
        .out
        .forward(m.hidden.forward(x).tanh().dropout(0.5))
        .squeeze(-1);
    (mse(found, y), found)
}

fn flat(m: &Net) -> Vec<f64> {
    let mut out = Vec::new();
    m.visit("", &mut |_, p| out.extend(p.values_f64()));
    out
}

#[test]
fn gradients_compiled_once_are_those_of_a_step() -> sinew::Result<()> {
    let (x, y) = (points(5), Array1::from_iter((0..5).map(|i| i as f64 / 4.0)));
    for (device, precision, tolerance) in floats() {
        let net = Net::init(3);
        let build = || {
            fit::gradients(net.clone())
                .device(device.clone())
                .precision(precision)
        };
        let mut plain = build().build()?;
        let (value, gradients) = plain.run(&x, &y)?;
        let (expected, of_call) = (fit(&net, &x, &y)?, fit::gradient(&net, &x, &y)?);
        close("loss", &[value], &[f64::from(expected.0)], 1e-5);
        close("gradients", &flat(&gradients), &flat(&of_call), 1e-5);
        let (step, again) = plain.run_with_rest(&x, &y)?;
        assert_eq!((step.loss, &again), (value, &gradients));
        let found: Vec<f64> = step.rest.iter().map(|v| f64::from(*v)).collect();
        let of_call: Vec<f64> = expected.1.iter().map(|v| f64::from(*v)).collect();
        close("rest", &found, &of_call, 1e-5);
        assert_eq!(plain.cache_stats().programs, 1);

        // A step that trains, with its dropout.
        let mut trained = build().training(true).seed(4).build()?;
        let (value, gradients) = trained.run(&x, &y)?;
        let train = fit::train(net.clone()).optimizer(Sgd::new(0.1)).seed(4);
        let mut train = train.device(device.clone()).precision(precision).build()?;
        assert_eq!(train.step(&x, &y)?.loss, value);
        close(
            "trained",
            &flat(&gradients),
            &flat(&train.gradients()?),
            tolerance,
        );

        let mut frozen = build().freeze("hidden.*").build()?;
        let (_, gradients) = frozen.run(&x, &y)?;
        let zero = |p: &Param| p.values_f64().iter().all(|v| *v == 0.0);
        assert!(zero(&gradients.hidden.w) && !zero(&gradients.out.w));

        // On a trainer's parameters.
        let mut shared = fit::gradients(&train).build()?;
        assert_eq!(shared.model()?, train.model()?);
        let before = shared.run(&x, &y)?.0;
        train.step(&x, &y)?;
        assert_ne!(shared.run(&x, &y)?.0, before);
    }
    Ok(())
}
