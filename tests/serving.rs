//! Runners that several threads use.

use crate::devices::devices;
use sinew::ndarray::{Array1, Array2};
use sinew::ops::uniform;
use sinew::prelude::*;
use std::sync::atomic::{AtomicBool, Ordering};

#[model]
struct Net {
    hidden: Linear<4, 16>,
    out: Linear<16, 3>,
}

#[model]
fn scores<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 3> {
    m.out.forward(m.hidden.forward(x).tanh())
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 4>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(scores(m, x), y)
}

fn batch(rows: usize, seed: usize) -> Array2<f32> {
    Array2::from_shape_fn((rows, 4), |(i, j)| {
        ((i * 7 + j * 3 + seed) % 11) as f32 / 5.0 - 1.0
    })
}

#[test]
fn threads_share_a_runner_and_clones_run_beside_it() -> sinew::Result<()> {
    let run = scores::compile(Net::init(1)).build()?;
    let expected: Vec<_> = (0..8)
        .map(|i| run.run(batch(1 + i % 3, i)))
        .collect::<Result<_, _>>()?;
    let compiled = run.compiles();
    std::thread::scope(|threads| {
        for by_clone in [false, true, false, true] {
            let (run, expected) = (&run, &expected);
            threads.spawn(move || {
                let own = run.clone();
                let run = if by_clone { &own } else { run };
                for round in 0..50 {
                    let i = round % 8;
                    let found = run.run(batch(1 + i % 3, i)).expect("as before");
                    assert_eq!(found, expected[i]);
                }
                assert_eq!(own.compiles(), 0);
            });
        }
    });
    assert_eq!(run.compiles(), compiled);
    Ok(())
}

#[test]
fn clones_see_each_step_of_a_trainer_whole() -> sinew::Result<()> {
    let train = loss::train(Net::init(1)).optimizer(Adam::new(0.05));
    let mut train = train.build()?;
    let run = scores::attach(&train)?;
    let (x, y) = (batch(5, 0), Array1::from_iter([0, 1, 2, 0, 1]));
    // What a run may see: the scores after each number of steps.
    let mut allowed = vec![run.run(&x)?];
    let mut twin = loss::train(Net::init(1))
        .optimizer(Adam::new(0.05))
        .build()?;
    let twin_scores = scores::attach(&twin)?;
    for _ in 0..40 {
        twin.step(&x, &y)?;
        allowed.push(twin_scores.run(&x)?);
    }
    let done = AtomicBool::new(false);
    std::thread::scope(|threads| {
        for _ in 0..2 {
            let (run, allowed, done, x) = (run.clone(), &allowed, &done, &x);
            threads.spawn(move || {
                let mut last = 0;
                while !done.load(Ordering::Acquire) {
                    let found = run.run(x).expect("the model is whole");
                    let at = allowed.iter().position(|a| *a == found);
                    let at = at.expect("parameters of between two steps");
                    assert!(at >= last);
                    last = at;
                }
            });
        }
        for _ in 0..40 {
            train.step(&x, &y).expect("it fits");
        }
        done.store(true, Ordering::Release);
    });
    assert_eq!(Some(&run.run(&x)?), allowed.last());
    Ok(())
}

#[model]
fn drawn() -> Tensor<4> {
    uniform([4])
}

#[test]
fn a_clone_goes_on_with_the_number_of_runs() -> sinew::Result<()> {
    let run = drawn::compile().seed(3).build()?;
    let first = run.run()?;
    let other = run.clone();
    let (second, same) = (run.run()?, other.run()?);
    assert_eq!(second, same);
    assert_ne!(first, second);
    Ok(())
}

#[model]
fn traced<N>(x: Tensor<N>) -> Tensor {
    let squares = patch("squares", x.square());
    capture("squares", squares).sum()
}

#[test]
fn a_clone_asks_for_the_same_places() -> sinew::Result<()> {
    let mut run = traced::compile().build()?;
    run.capture("squares");
    run.patch("squares", &Array1::from_iter([1.0f32, 2.0]));
    let other = run.clone();
    run.unpatch("squares");
    assert_eq!((run.run([3.0, 4.0])?, other.run([3.0, 4.0])?), (25.0, 3.0));
    let found: Array1<f32> = other.captured("squares")?;
    assert_eq!(found.to_vec(), [1.0, 2.0]);
    Ok(())
}

#[test]
fn single_leaves_are_read_and_set_where_they_are() -> sinew::Result<()> {
    for device in devices() {
        let shared = Shared::new(Net::init(1));
        let values = [0.5f32, -1.0, 2.0];
        for placed in [false, true] {
            if placed {
                let train = loss::train(&shared)
                    .optimizer(Sgd::new(0.0))
                    .device(device.clone());
                let mut train = train.build()?;
                train.step(batch(2, 0), [0, 1])?;
                shared.set_leaf("out.b", [7.0, 8.0, 9.0])?;
                assert_eq!(
                    train.model()?.out.b.values().as_slice(),
                    Some(&[7.0, 8.0, 9.0][..])
                );
                assert_eq!(train.shared().leaf("out.b")?, train.model()?.out.b);
            }
            shared.set_leaf("out.b", values)?;
            assert_eq!(shared.leaf("out.b")?.values().as_slice(), Some(&values[..]));
            assert_eq!(shared.leaf("hidden.w")?, Net::init(1).hidden.w);
            assert!(shared.set_leaf("out.b", [1.0, 2.0]).is_err());
            let error = shared.leaf("out.c").expect_err("it is refused").to_string();
            assert!(
                error.starts_with("`out.c` matches no parameter; near it: `out.w`"),
                "{error}"
            );
            assert_eq!(shared.model()?.out.b.values().as_slice(), Some(&values[..]));
        }
    }
    Ok(())
}

/// Pixels and labels as files have them.
#[model]
fn loss_of_bytes<B>(m: &Net, x: Tensor<i32, B, 4>, y: Tensor<i32, B>) -> Tensor {
    loss(m, x.cast(float) / 255.0, y)
}

#[test]
fn bytes_are_pictures_and_labels() -> sinew::Result<()> {
    let mut train = loss_of_bytes::train(Net::init(1))
        .optimizer(Sgd::new(0.1))
        .build()?;
    let mut twin = loss::train(Net::init(1)).optimizer(Sgd::new(0.1)).build()?;
    let pixels = Array2::from_shape_fn((3, 4), |(i, j)| (i * 60 + j * 7) as u8);
    let labels = Array1::from_iter([0u8, 2, 1]);
    let wide = pixels.mapv(|v| f32::from(v) / 255.0);
    for _ in 0..2 {
        let found = train.step(&pixels, labels.mapv(i64::from))?.loss;
        let expected = twin.step(&wide, labels.mapv(usize::from))?.loss;
        assert!((found - expected).abs() < 1e-6, "{found} for {expected}");
    }
    train.step(&pixels, &labels)?;
    let error = train
        .step(&pixels, Array1::from_iter([0i64, 3, 1]))
        .expect_err("it is refused");
    assert!(matches!(error, sinew::Error::Index { .. }), "{error}");
    let error = train
        .step(&pixels, Array1::from_iter([0u64, u64::MAX, 1]))
        .expect_err("it is refused");
    assert!(matches!(error, sinew::Error::Range { .. }), "{error}");
    Ok(())
}
