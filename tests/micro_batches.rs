//! Steps that take their batch in parts, against steps that take it whole, and against parts by hand.

use crate::floats::{close, floats};
use sinew::Error;
use sinew::ndarray::{Array1, Array2, Ix1, s};
use sinew::prelude::*;

const WIDTH: usize = 5;

#[model]
struct Net {
    hidden: Linear<WIDTH, 7>,
    layers: [Linear<7, 7>; 3],
    out: Linear<7, 3>,
    seen: State<7>,
}

#[model]
fn loss<B>(
    m: &Net,
    x: Tensor<B, WIDTH>,
    y: Tensor<i32, B>,
    scale: Tensor<3>,
) -> (Tensor, Tensor<B, 3>, Tensor, Tensor<7>) {
    let mut h = m.hidden.forward(x).tanh();
    for layer in &m.layers {
        h = layer.forward(h).tanh() + h;
    }
    let scores = capture("scores", m.out.forward(h) * scale);
    let right = (scores.argmax(-1) == y).cast(float).mean();
    (cross_entropy(scores, y), scores, right, h.mean(0))
}

fn data(rows: usize) -> (Array2<f64>, Array1<i32>) {
    let x = Array2::from_shape_fn((rows, WIDTH), |(i, j)| {
        ((i * 7 + j * 3) % 11) as f64 / 5.0 - 1.0
    });
    (x, Array1::from_shape_fn(rows, |i| ((i * 5) % 3) as i32))
}

fn flat(m: &impl Model) -> Vec<f64> {
    m.leaves()
        .iter()
        .flat_map(|(_, p)| p.values_f64())
        .collect()
}

#[test]
fn parts_are_the_step_of_the_whole_batch() -> sinew::Result<()> {
    let (x, y) = data(12);
    let scale = [1.0, 0.5, 2.0];
    for (device, precision, tolerance) in floats() {
        for parts in [1, 2, 3, 12] {
            let build = || {
                let train =
                    loss::train(Net::init(3)).optimizer(AdamW::new(0.01).clip_grad_norm(0.1));
                train
                    .device(device.clone())
                    .precision(precision)
                    .capture("scores")
            };
            let (mut whole, mut in_parts) =
                (build().build()?, build().micro_batches(parts).build()?);
            for _ in 0..3 {
                let (expected, found) = (whole.step(&x, &y, scale)?, in_parts.step(&x, &y, scale)?);
                close("loss", &[found.loss], &[expected.loss], tolerance);
                close(
                    "norm",
                    &[found.grad_norm.unwrap_or(0.0)],
                    &[expected.grad_norm.unwrap_or(1.0)],
                    tolerance,
                );
                // Results come back as f32.
                let narrow = tolerance.max(1e-7);
                let wide = |v: &Array2<f32>| v.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
                let row = |v: &Array1<f32>| v.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
                close(
                    "rows",
                    &wide(&found.rest.0),
                    &wide(&expected.rest.0),
                    tolerance,
                );
                close(
                    "mean",
                    &[found.rest.1.into()],
                    &[expected.rest.1.into()],
                    narrow,
                );
                close("means", &row(&found.rest.2), &row(&expected.rest.2), narrow);
                let each: sinew::ndarray::Array3<f64> = in_parts.captured("scores")?;
                assert_eq!(each.dim(), (parts, 12 / parts, 3));
            }
            close(
                "gradients",
                &flat(&in_parts.gradients()?),
                &flat(&whole.gradients()?),
                tolerance,
            );
            close(
                "parameters",
                &flat(&in_parts.model()?),
                &flat(&whole.model()?),
                tolerance,
            );
        }
    }
    Ok(())
}

/// One part after the other: what is drawn, and a state that each part changes.
#[model]
fn noisy<B>(m: &Net, x: Tensor<B, WIDTH>) -> (Tensor, Tensor<B, 7>) {
    let h = m.hidden.forward(x).dropout(0.5);
    m.seen = 0.5 * m.seen + h.mean(0);
    let mut sum = h.square().mean() + m.out.w.sum() + m.out.b.sum();
    for layer in &m.layers {
        sum += layer.w.sum() + layer.b.sum();
    }
    (sum, h)
}

#[test]
fn parts_draw_apart_and_hand_states_on() -> sinew::Result<()> {
    let same = Array2::from_elem((6, WIDTH), 0.5);
    for (device, precision, tolerance) in floats() {
        let train = noisy::train(Net::init(3))
            .optimizer(Sgd::new(0.0))
            .device(device)
            .precision(precision);
        let mut train = train.seed(5).micro_batches(3).build()?;
        let (_, h) = (train.step(&same)?, train.step(&same)?.rest);
        let parts = [
            h.slice(s![0..2, ..]),
            h.slice(s![2..4, ..]),
            h.slice(s![4..6, ..]),
        ];
        assert!(parts[0] != parts[1] && parts[1] != parts[2] && parts[0] != parts[2]);
        let mut twin = noisy::train(Net::init(3))
            .optimizer(Sgd::new(0.0))
            .micro_batches(3);
        twin = twin.precision(precision);
        let mut twin = twin.seed(5).build()?;
        let mut seen = Array1::<f64>::zeros(7);
        for _ in 0..2 {
            let h = twin.step(&same)?.rest.mapv(f64::from);
            for part in 0..3 {
                let rows = h.slice(s![2 * part..2 * part + 2, ..]);
                seen = 0.5 * seen + rows.mean_axis(sinew::ndarray::Axis(0)).expect("two rows");
            }
        }
        // What is expected is made of results, which are f32.
        let found = train
            .model()?
            .seen
            .values_f64()
            .into_dimensionality::<Ix1>()
            .expect("a row");
        close(
            "states",
            &found.to_vec(),
            &seen.to_vec(),
            tolerance.max(1e-6),
        );
    }
    Ok(())
}

#[test]
fn a_step_in_parts_works_in_less_memory() -> sinew::Result<()> {
    let (x, y) = data(480);
    let arena = |parts: Option<usize>| -> sinew::Result<usize> {
        let mut train = loss::train(Net::init(3)).optimizer(Sgd::new(0.1));
        if let Some(parts) = parts {
            train = train.micro_batches(parts);
        }
        let mut train = train.build()?;
        train.step(&x, &y, [1.0; 3])?;
        let text = train.memory()?;
        let line = text
            .lines()
            .find(|line| line.ends_with("arena"))
            .expect("values between kernels");
        Ok(line
            .split_whitespace()
            .next()
            .and_then(|n| n.parse().ok())
            .expect("its bytes"))
    };
    let (whole, parts) = (arena(None)?, arena(Some(24))?);
    assert!(parts * 4 < whole, "{parts} bytes of {whole}");
    Ok(())
}

#[test]
fn what_is_not_in_parts_is_told() -> sinew::Result<()> {
    let (x, y) = data(10);
    let train = loss::train(Net::init(3))
        .optimizer(Sgd::new(0.1))
        .check_finite(true);
    let mut train = train.micro_batches(4).build()?;
    let error = train
        .step(&x, &y, [1.0; 3])
        .expect_err("it is refused")
        .to_string();
    assert!(
        error.starts_with("`x` has 10 rows, which are not 4 parts"),
        "{error}"
    );
    let (x, mut y) = data(8);
    train.step(&x, &y, [1.0; 3])?;
    // Arguments are looked at whole.
    y[6] = 3;
    let error = train.step(&x, &y, [1.0; 3]).expect_err("it is refused");
    assert!(
        matches!(&error, Error::Index { position, .. } if position == &[6]),
        "{error}"
    );
    let before = train.model()?;
    y[6] = 2;
    let huge = x.mapv(|v| if v > 0.9 { f64::INFINITY } else { v });
    assert!(train.step(&huge, &y, [1.0; 3]).is_err());
    assert!(train.step(&x, &y, [1e39, 1.0, 1.0]).is_err());
    assert_eq!((train.model()?, train.steps()), (before, 1));

    let refused = |error: sinew::Error, words: &str| {
        let text = error.to_string();
        assert!(
            matches!(error, Error::NotInParts { .. }) && text.contains(words),
            "{text}"
        );
    };
    let none = loss::train(Net::init(3))
        .optimizer(Sgd::new(0.1))
        .micro_batches(0)
        .build();
    refused(none.map(|_| ()).expect_err("it is refused"), "1 or more");
    #[model]
    struct Table<N> {
        #[init(zeros)]
        w: Param<N>,
    }
    #[model]
    fn of_model<N>(m: &Table<N>, x: Tensor<N>) -> Tensor {
        (m.w * x).sum()
    }
    let table = Table::init(&TableConfig { N: 4 }, 0)?;
    let none = of_model::train(table)
        .optimizer(Sgd::new(0.1))
        .micro_batches(2)
        .build();
    refused(
        none.map(|_| ()).expect_err("it is refused"),
        "`m.w` of the model has N in its shape",
    );
    #[model]
    struct Scale {
        #[init(ones)]
        w: Param,
    }
    #[model]
    fn square<N>(m: &Scale, x: Tensor<N, N>) -> Tensor {
        (m.w * x).sum()
    }
    let none = square::train(Scale::init(0))
        .optimizer(Sgd::new(0.1))
        .micro_batches(2)
        .build();
    refused(
        none.map(|_| ()).expect_err("it is refused"),
        "`x` has N in its shape and not as its first axis alone",
    );
    #[model]
    fn counted<N>(m: &Scale, x: Tensor<N>) -> (Tensor, Tensor<i32>) {
        ((m.w * x).sum(), x.argmax(0))
    }
    let none = counted::train(Scale::init(0))
        .optimizer(Sgd::new(0.1))
        .micro_batches(2)
        .build();
    refused(
        none.map(|_| ()).expect_err("it is refused"),
        "its result 1 is of i32",
    );
    Ok(())
}
