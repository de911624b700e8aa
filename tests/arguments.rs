//! Tuples and arrays of tensors as arguments, and many of them.

use crate::floats as support;

use crate::devices::devices;
use sinew::prelude::*;
use support::{close, floats, points};

/// Scales by what it is given.
#[model]
struct Scale {
    #[init(ones)]
    scale: Param,
}

/// An LSTM's state comes and goes as a tuple.
#[model]
fn turned<B, H>((h, c): (Tensor<B, H>, Tensor<B, H>), by: Tensor) -> (Tensor<B, H>, Tensor<B, H>) {
    (h * by.cos() - c * by.sin(), h * by.sin() + c * by.cos())
}

#[model]
fn turned_twice<B, H>(hc: (Tensor<B, H>, Tensor<B, H>), by: Tensor) -> Tensor<B, H> {
    let hc = turned(hc, by);
    let (h, c) = turned((hc.0, hc.1), by);
    h + c
}

#[model]
fn summed<B, D>(xs: [Tensor<B, D>; 3], [a, b]: [Tensor; 2]) -> Tensor<B, D> {
    let mut all = xs[0] * a - xs[0] * a;
    for x in xs {
        all = all + x;
    }
    let [first, _, third] = xs;
    all * b + first - third + stack(xs, 0).sum(0) + turned_sum([a, b])
}

#[model]
fn turned_sum(numbers: [Tensor; 2]) -> Tensor {
    numbers[0] + numbers[1]
}

#[model]
fn nested<N>(pairs: [(Tensor<N>, Tensor<i32, N>); 2], m: &Scale) -> Tensor<N> {
    let [(a, i), (b, j)] = pairs;
    m.scale * (a * i.cast(float) + b * j.cast(float))
}

#[test]
fn tuples_and_arrays_are_passed_as_such() {
    let (h, c) = (points(3), points(3) * 2.0);
    let by = 0.3f64;
    for device in devices() {
        let run = turned::compile()
            .device(device.clone())
            .build()
            .expect("it fits");
        let (a, b) = run.run((&h, &c), by as f32).expect("it fits");
        let expected = [&h * by.cos() - &c * by.sin(), &h * by.sin() + &c * by.cos()];
        for (found, expected) in [a, b].iter().zip(&expected) {
            let found: Vec<f64> = found.iter().map(|v| f64::from(*v)).collect();
            let expected: Vec<f64> = expected.iter().copied().collect();
            close("turned", &found, &expected, 1e-5);
        }
        let run = summed::compile()
            .device(device.clone())
            .build()
            .expect("it fits");
        let xs = [points(2), points(2) + 1.0, points(2) * 3.0];
        let found = run.run(&xs, [2.0, 0.5]).expect("it fits");
        let all = &xs[0] + &xs[1] + &xs[2];
        let expected = &all * 0.5 + &xs[0] - &xs[2] + &all + 2.5;
        let found: Vec<f64> = found.iter().map(|v| f64::from(*v)).collect();
        close(
            "summed",
            &found,
            &expected.into_iter().collect::<Vec<_>>(),
            1e-5,
        );
        let run = nested::compile(Scale::init(0))
            .device(device)
            .build()
            .expect("it fits");
        let pairs = [([1.0, 2.0], [3, 4]), ([5.0, 6.0], [7, 8])];
        assert_eq!(run.run(pairs).expect("it fits").to_vec(), [38.0, 56.0]);
    }
    // Plain calls, in the order of the declaration.
    let pairs = [([1.0], [3]), ([5.0], [7])];
    assert_eq!(
        nested(pairs, &Scale::init(0)).expect("it fits").to_vec(),
        [38.0]
    );
    let found = turned_twice((&h, &c), by).expect("it fits");
    let twice = 2.0 * by;
    let expected = (&h * twice.cos() - &c * twice.sin()) + (&h * twice.sin() + &c * twice.cos());
    let found: Vec<f64> = found.iter().map(|v| f64::from(*v)).collect();
    close(
        "twice",
        &found,
        &expected.into_iter().collect::<Vec<_>>(),
        1e-5,
    );
}

#[test]
fn a_part_that_does_not_fit_is_named() {
    let error = turned((&points(3), &points(4)), 0.5)
        .expect_err("they differ")
        .to_string();
    assert!(error.contains("`c`"), "{error}");
    let xs = [points(2), points(3), points(2)];
    let error = summed(xs, [0.0, 0.0]).expect_err("they differ").to_string();
    assert!(error.contains("`xs.1`"), "{error}");
}

#[model]
#[allow(clippy::too_many_arguments)]
fn many<N>(
    m: &Scale,
    a: Tensor<N>,
    b: Tensor,
    c: Tensor,
    d: Tensor,
    e: Tensor,
    f: Tensor,
    g: Tensor,
    h: Tensor,
    i: Tensor,
    j: Tensor,
    k: Tensor,
    l: Tensor,
    n: Tensor,
    o: Tensor,
    p: Tensor,
    others: [Tensor<N>; 40],
) -> Tensor {
    let numbers = b
        + 2.0 * c
        + 3.0 * d
        + 4.0 * e
        + 5.0 * f
        + 6.0 * g
        + 7.0 * h
        + 8.0 * i
        + 9.0 * j
        + 10.0 * k
        + 11.0 * l
        + 12.0 * n
        + 13.0 * o
        + 14.0 * p;
    let mut all = a * numbers;
    for (t, x) in others.enumerate() {
        all = all + x * (t + 1);
    }
    (m.scale * all).sum()
}

#[test]
fn there_may_be_many_tensors() {
    for (device, precision, tolerance) in floats() {
        let train = many::train(Scale::init(0)).optimizer(Sgd::new(0.001));
        let mut train = train
            .device(device)
            .precision(precision)
            .build()
            .expect("it fits");
        let others = [[0.5, 0.25]; 40];
        let step = train.step(
            [1.0, 2.0],
            0.1,
            0.2,
            0.3,
            0.4,
            0.5,
            0.6,
            0.7,
            0.8,
            0.9,
            1.0,
            1.1,
            1.2,
            1.3,
            1.4,
            others,
        );
        let numbers: f64 = (1..=14).map(|i| f64::from(i) * 0.1 * f64::from(i)).sum();
        let weights: f64 = (1..=40).map(f64::from).sum();
        let expected = 3.0 * numbers + 0.75 * weights;
        close(
            "loss",
            &[step.expect("it fits").loss],
            &[expected],
            tolerance,
        );
        let scale = train
            .model()
            .expect("there")
            .scale
            .item()
            .expect("a scalar");
        close("step", &[scale], &[1.0 - 0.001 * expected], tolerance);
    }
}
