//! Updates by gradients of several calls, and the moving average of parameters.

use crate::floats::{close, floats};
use sinew::ndarray::{Array1, Array2, s};
use sinew::prelude::*;
use sinew::{Error, TrainBuilder};

const WIDTH: usize = 5;

#[model]
struct Net {
    hidden: Linear<WIDTH, 7>,
    heads: [Linear<7, 7>; 2],
    out: Linear<7, 1>,
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, WIDTH>, y: Tensor<B>) -> (Tensor, Tensor<B>) {
    let mut h = m.hidden.forward(x).tanh();
    for head in &m.heads {
        h = head.forward(h).tanh();
    }
    let found = m.out.forward(h).squeeze(-1);
    (mse(found, y), found)
}

fn data(rows: usize) -> (Array2<f64>, Array1<f64>) {
    let x = Array2::from_shape_fn((rows, WIDTH), |(i, j)| {
        ((i * 7 + j * 3) % 11) as f64 / 5.0 - 1.0
    });
    let y = Array1::from_shape_fn(rows, |i| ((i * 5) % 7) as f64 / 3.0 - 1.0);
    (x, y)
}

fn flat(m: &impl Model) -> Vec<f64> {
    let mut out = Vec::new();
    m.visit("", &mut |_, p| out.extend(p.values_f64()));
    out
}

fn adam(train: TrainBuilder<loss>) -> TrainBuilder<loss> {
    train.optimizer(AdamW::new(0.01).clip_grad_norm(0.1))
}

#[test]
fn equal_parts_are_the_step_of_all_together() -> sinew::Result<()> {
    const PARTS: usize = 3;
    let (x, y) = data(4 * PARTS);
    for (device, precision, tolerance) in floats() {
        let build = || {
            let train = adam(loss::train(Net::init(3))).moving_average(0.9);
            train.device(device.clone()).precision(precision).build()
        };
        let (mut whole, mut parts) = (build()?, build()?);
        for step in 1..=4 {
            let expected = whole.step(&x, &y)?;
            for part in 0..PARTS {
                let rows = s![4 * part..4 * (part + 1)];
                let found =
                    parts.accumulate(x.slice(s![4 * part..4 * (part + 1), ..]), y.slice(rows))?;
                assert_eq!(found.number, step);
                let rest: Vec<f64> = found.rest.iter().map(|v| f64::from(*v)).collect();
                let of_whole: Vec<f64> = expected
                    .rest
                    .slice(rows)
                    .iter()
                    .map(|v| f64::from(*v))
                    .collect();
                close("results", &rest, &of_whole, tolerance);
            }
            assert_eq!(parts.accumulated(), PARTS as u64);
            let (found, of_whole) = (parts.accumulated_gradients()?, whole.gradients()?);
            close("gradients", &flat(&found), &flat(&of_whole), tolerance);
            let found = parts.apply()?;
            assert_eq!((found.number, parts.accumulated()), (step, 0));
            close("loss", &[found.loss], &[expected.loss], tolerance);
            let norms = [found.grad_norm, expected.grad_norm].map(|n| n.expect("it is clipped"));
            close("norm", &norms[..1], &norms[1..], tolerance);
            close(
                "parameters",
                &flat(&parts.model()?),
                &flat(&whole.model()?),
                tolerance,
            );
            close(
                "average",
                &flat(&parts.averaged()?),
                &flat(&whole.averaged()?),
                tolerance,
            );
        }
        assert_eq!(parts.compiles(), 2, "one accumulates, one applies");
    }
    Ok(())
}

#[test]
fn gradients_are_scaled_set_and_dropped() -> sinew::Result<()> {
    let (x, y) = data(3);
    let start = Net::init(1);
    let build = || {
        loss::train(start.clone())
            .optimizer(Sgd::new(0.5))
            .precision(Precision::F64)
            .build()
    };
    let mut train = build()?;
    assert_eq!(
        train.apply().expect_err("it is refused").to_string(),
        Error::NothingAccumulated.to_string()
    );
    train.accumulate(&x, &y)?;
    train.clear_gradients();
    assert!(train.apply().is_err(), "nothing is left");
    assert!(
        flat(&train.accumulated_gradients()?)
            .iter()
            .all(|g| *g == 0.0)
    );

    // Twice the same, as a sum.
    train.accumulate(&x, &y)?;
    let gradient = flat(&train.gradients()?);
    train.accumulate(&x, &y)?;
    train.scale_gradients(train.accumulated() as f64)?;
    assert!(train.scale_gradients(f64::NAN).is_err());
    let doubled: Vec<f64> = gradient.iter().map(|g| 2.0 * g).collect();
    close(
        "sum",
        &flat(&train.accumulated_gradients()?),
        &doubled,
        1e-12,
    );
    train.apply()?;
    let moved: Vec<f64> = flat(&start)
        .iter()
        .zip(&doubled)
        .map(|(p, g)| p - 0.5 * g)
        .collect();
    close("parameters", &flat(&train.model()?), &moved, 1e-12);

    // What was a factor of these is none of the next.
    let mut given = start.clone();
    given.visit_mut("", &mut |_, p| p.fill(0.25));
    let before = flat(&train.model()?);
    train.set_gradients(&given)?;
    train.apply()?;
    let moved: Vec<f64> = before.iter().map(|p| p - 0.125).collect();
    close("set", &flat(&train.model()?), &moved, 1e-12);
    assert_eq!((train.steps(), train.accumulated()), (2, 0));

    // A step of its own goes by its own gradient, and leaves what is accumulated.
    let mut other = build()?;
    other.accumulate(&x, &y)?;
    other.step(&x, &y)?;
    assert_eq!(other.accumulated(), 1);
    other.apply()?;
    let moved: Vec<f64> = flat(&start)
        .iter()
        .zip(&doubled)
        .map(|(p, g)| p - 0.5 * g)
        .collect();
    close("both", &flat(&other.model()?), &moved, 1e-12);
    Ok(())
}

#[model]
struct One {
    layer: Linear<WIDTH, 7>,
}

#[model]
fn dropped<B>(m: &One, x: Tensor<B, WIDTH>) -> (Tensor, Tensor<B, 7>) {
    let h = m.layer.forward(x).dropout(0.5);
    (h.square().sum(), h)
}

#[test]
fn each_call_draws_other_elements() -> sinew::Result<()> {
    let x = data(16).0;
    let mut train = dropped::train(One::init(1))
        .optimizer(Sgd::new(0.0))
        .build()?;
    let first = train.accumulate(&x)?.rest;
    let second = train.accumulate(&x)?.rest;
    assert_ne!(first, second);
    train.apply()?;
    let third = train.accumulate(&x)?.rest;
    assert!(third != first && third != second);
    // The first of a step is what a step would draw.
    assert_eq!(train.step(&x)?.rest, third);
    Ok(())
}

#[test]
fn what_is_not_finite_is_not_accumulated() -> sinew::Result<()> {
    let (x, y) = data(3);
    for (device, precision, tolerance) in floats() {
        let train = adam(loss::train(Net::init(3)))
            .device(device)
            .precision(precision);
        let mut train = train.check_finite(true).build()?;
        train.accumulate(&x, &y)?;
        let before = flat(&train.accumulated_gradients()?);
        let huge = 1e30 * &y;
        if precision == Precision::F32 {
            let error = train
                .accumulate(&x, &huge)
                .expect_err("it is refused")
                .to_string();
            assert!(
                error.starts_with("the loss of `") && error.contains("is not finite"),
                "{error}"
            );
        }
        assert!(train.accumulate(&x, f64::NAN * &y).is_err());
        assert_eq!(train.accumulated(), 1);
        close(
            "gradients",
            &flat(&train.accumulated_gradients()?),
            &before,
            tolerance,
        );
        let model = train.model()?;
        let mut gradients = model.clone();
        gradients.out.b.fill(f64::INFINITY);
        train.set_gradients(&gradients)?;
        let error = train.apply().expect_err("it is refused").to_string();
        assert!(
            error.contains("so are the gradients that were accumulated or set"),
            "{error}"
        );
        assert_eq!(
            (train.model()?, train.steps(), train.accumulated()),
            (model, 0, 1)
        );
    }
    Ok(())
}

#[test]
fn gradients_of_another_model_are_refused() -> sinew::Result<()> {
    #[model]
    struct Wide<Size> {
        #[init(ones)]
        w: Param<Size>,
    }
    #[model]
    fn energy<Size>(m: &Wide<Size>) -> Tensor {
        m.w.square().sum()
    }
    let wide = |size| Wide::init(&WideConfig { Size: size }, 0);
    let mut train = energy::train(wide(3)?).build()?;
    train.accumulate()?;
    let before = train.accumulated_gradients()?;
    assert!(matches!(
        train.set_gradients(&wide(4)?),
        Err(Error::OtherModel { .. })
    ));
    assert_eq!(train.accumulated_gradients()?, before);
    Ok(())
}

#[test]
fn an_average_follows_its_formula_and_goes_on_from_files() -> sinew::Result<()> {
    let (x, y) = data(4);
    for (device, precision, tolerance) in floats() {
        let build = |seed| {
            let train = adam(loss::train(Net::init(seed))).moving_average(0.75);
            train
                .device(device.clone())
                .precision(precision)
                .freeze("out.b")
                .build()
        };
        let mut train = build(3)?;
        let mut expected = flat(&train.model()?);
        close("at first", &flat(&train.averaged()?), &expected, 0.0);
        for _ in 0..5 {
            train.step(&x, &y)?;
            for (average, new) in expected.iter_mut().zip(flat(&train.model()?)) {
                *average = 0.75 * *average + 0.25 * new;
            }
            close("average", &flat(&train.averaged()?), &expected, tolerance);
        }
        let file = std::env::temp_dir().join(format!("average-{}.safetensors", std::process::id()));
        train.save(&file)?;
        let mut again = build(4)?;
        again.accumulate(&x, &y)?;
        again.resume(&file)?;
        assert_eq!(again.accumulated(), 0, "it was of other parameters");
        std::fs::remove_file(&file).expect("it was written");
        assert_eq!(again.averaged()?, train.averaged()?);
        again.step(&x, &y)?;
        train.step(&x, &y)?;
        assert_eq!(again.averaged()?, train.averaged()?);
        let other = Net::init(9);
        train.set_model(&other)?;
        assert_eq!(flat(&train.averaged()?), flat(&train.model()?));
    }
    let plain = loss::train(Net::init(0)).optimizer(Sgd::new(0.1)).build()?;
    assert!(matches!(plain.averaged(), Err(Error::NoAverage)));
    for keeps in [1.0, -0.1, f64::NAN] {
        let train = loss::train(Net::init(0)).optimizer(Sgd::new(0.1));
        let error = train
            .moving_average(keeps)
            .build()
            .map(|_| ())
            .expect_err("it is refused");
        assert!(error.to_string().contains("moving average"), "{error}");
    }
    Ok(())
}

/// Which leaves a step without gradients changes: those that decay.
fn decayed(
    build: impl Fn(TrainBuilder<still>) -> TrainBuilder<still>,
) -> sinew::Result<Vec<String>> {
    let net = Net::init(5);
    let train = still::train(net.clone()).optimizer(AdamW::new(0.1).weight_decay(0.5));
    let mut train = build(train).build()?;
    train.step()?;
    let (mut before, mut out) = (Vec::new(), Vec::new());
    net.visit("", &mut |_, p| before.push(p.values()));
    let mut before = before.into_iter();
    train.model()?.visit("", &mut |path, p| {
        if before.next() != Some(p.values()) {
            out.push(path.to_string());
        }
    });
    Ok(out)
}

#[model]
fn still(m: &Net) -> Tensor {
    let mut sum = m.hidden.w.sum() + m.hidden.b.sum() + m.out.w.sum() + m.out.b.sum();
    for head in &m.heads {
        sum += head.w.sum() + head.b.sum();
    }
    0.0 * sum
}

#[test]
fn vectors_do_not_decay_where_matrices_alone_do() -> sinew::Result<()> {
    let all = decayed(|train| train)?;
    assert!(
        all.contains(&"heads.1.b".to_string()) && all.contains(&"out.w".to_string()),
        "{all:?}"
    );
    let matrices = ["hidden.w", "heads.0.w", "heads.1.w", "out.w"];
    assert_eq!(decayed(|train| train.decay_matrices_only())?, matrices);
    // Groups keep that, unless they say their own decay.
    let scaled = decayed(|train| {
        let train = train.group("heads.*", |g| g.learning_rate_scale(0.5));
        train
            .group("hidden.*", |g| g.weight_decay(0.3))
            .decay_matrices_only()
    })?;
    assert_eq!(
        scaled,
        ["hidden.w", "hidden.b", "heads.0.w", "heads.1.w", "out.w"]
    );
    let train = still::train(Net::init(0)).optimizer(sinew::optim::Descent::by(Halves {}, 0.1));
    let error = train
        .decay_matrices_only()
        .build()
        .map(|_| ())
        .expect_err("it is refused");
    assert!(matches!(error, Error::NoWeightDecay { .. }), "{error}");
    Ok(())
}

/// A rule without weight decay.
#[model]
struct Halves {}

#[model]
fn halve<S>(_rule: &Halves, p: Tensor<[S]>, g: Tensor<[S]>, rate: Tensor) -> Tensor<[S]> {
    p - 0.5 * rate * g
}

impl sinew::optim::UpdateRule for Halves {
    type Update = halve;
}
