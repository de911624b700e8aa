//! Steps and runs on several threads: the same bits on any number of them, whoever else runs meanwhile.

use ndarray::{Array, Array1, Array2, Dimension, ShapeBuilder};
use sinew::nn::{Conv2d, LayerNorm, LstmCell};
use sinew::ops::max_pool2d;
use sinew::prelude::*;

#[model]
struct Net {
    norm: LayerNorm<24>,
    hidden: Linear<24, 72>,
    out: Linear<72, 5>,
}

#[model]
fn scores<B>(m: &Net, x: Tensor<B, 24>) -> Tensor<B, 5> {
    let x = m.hidden.forward(m.norm.forward(x)).gelu();
    m.out.forward(x.dropout(0.2))
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 24>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(scores(m, x), y)
}

#[model]
struct Pictures {
    conv: Conv2d<2, 6, 3, 1, 0>,
    out: Linear<54, 5>,
}

#[model]
fn pictures_loss<B>(m: &Pictures, x: Tensor<B, 2, 8, 8>, y: Tensor<i32, B>) -> Tensor {
    let x = m.conv.forward(x).relu();
    cross_entropy(
        m.out.forward(max_pool2d(x, 2, stride = 2).reshape([B, 54])),
        y,
    )
}

#[model]
struct Reader {
    cell: LstmCell<6, 20>,
    out: Linear<20, 5>,
}

#[model]
fn reader_loss<T, B>(m: &Reader, x: Tensor<T, B, 6>, y: Tensor<i32, B>) -> Tensor {
    let (mut h, mut c) = (zeros([B, 20]), zeros([B, 20]));
    for t in 0..T {
        (h, c) = m.cell.step(x[t], h, c);
    }
    cross_entropy(m.out.forward(h), y)
}

#[model]
struct Attending {
    project: Linear<16, 48>,
    blocks: [Linear<16, 16>; 3],
}

#[model]
fn attending_loss<B, T>(m: &Attending, x: Tensor<B, T, 16>) -> Tensor {
    let qkv = m.project.forward(x);
    let q = qkv[(.., .., 0..16)].reshape([B, T, 4, 4]);
    let k = qkv[(.., .., 16..32)].reshape([B, T, 4, 4]);
    let v = qkv[(.., .., 32..48)].reshape([B, T, 4, 4]);
    let scores = einsum("bthd,bshd->bhts", q, k).softmax(-1);
    let mut x = einsum("bhts,bshd->bthd", scores, v).reshape([B, T, 16]);
    for block in &m.blocks {
        x = block.forward(x).tanh() + x.cumsum(1);
    }
    x.square().mean()
}

/// Numbers between -1 and 1.
fn numbers<D: Dimension>(shape: impl ShapeBuilder<Dim = D>) -> Array<f32, D> {
    let mut i = 0u32;
    Array::from_shape_simple_fn(shape, || {
        i += 1;
        (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0
    })
}

fn labels(count: usize) -> Array1<i32> {
    Array1::from_shape_fn(count, |i| (i * 7 % 5) as i32)
}

/// Compares what `run` gives on several threads with what it gives on one. All that can be shared is.
fn same<T: PartialEq + std::fmt::Debug>(
    run: impl Fn(usize) -> sinew::Result<T>,
) -> sinew::Result<()> {
    let alone = run(1)?;
    for threads in [2, 3, 7] {
        assert_eq!(run(threads)?, alone, "on {threads} threads");
    }
    Ok(())
}

/// The losses of a few steps, and the model after them.
macro_rules! trained {
    ($loss:ident, $model:expr, $threads:expr, ($($argument:expr),*)) => {{
        let train = $loss::train($model).optimizer(AdamW::new(1e-2).clip_grad_norm(1.0));
        let mut train = train.threads($threads).least_share(0).build()?;
        let mut losses = Vec::new();
        for _ in 0..4 {
            losses.push(train.step($(&$argument),*)?.loss);
        }
        assert_eq!(train.explain().contains(" shares;"), $threads > 1, "{}", train.explain());
        (losses, train.model()?)
    }};
}

#[test]
fn steps_have_the_same_bits_on_any_number_of_threads() -> sinew::Result<()> {
    same(|threads| {
        let (x, y) = (numbers((37, 24)), labels(37));
        Ok(trained!(loss, Net::init(1), threads, (x, y)))
    })?;
    same(|threads| {
        let (x, y) = (numbers((9, 2, 8, 8)), labels(9));
        Ok(trained!(pictures_loss, Pictures::init(2), threads, (x, y)))
    })?;
    same(|threads| {
        let (x, y) = (numbers((5, 17, 6)), labels(17));
        Ok(trained!(reader_loss, Reader::init(3), threads, (x, y)))
    })?;
    same(|threads| {
        let x = numbers((6, 11, 16));
        Ok(trained!(attending_loss, Attending::init(4), threads, (x)))
    })
}

#[test]
fn gradients_and_runs_have_the_same_bits_too() -> sinew::Result<()> {
    let (x, y): (Array2<f32>, _) = (numbers((37, 24)), labels(37));
    same(|threads| {
        let gradients = loss::gradients(Net::init(1)).training(true);
        let mut gradients = gradients.threads(threads).least_share(0).build()?;
        gradients.run(&x, &y)
    })?;
    same(|threads| {
        let run = scores::compile(Net::init(1)).threads(threads);
        run.least_share(0).build()?.run(&x)
    })?;
    same(|threads| {
        let run = scores::compile(Net::init(1)).precision(Precision::F64);
        run.threads(threads).least_share(0).build()?.run_f64(&x)
    })
}

/// In parts, with what is accumulated, and within a budget of memory.
#[test]
fn steps_of_every_kind_have_the_same_bits() -> sinew::Result<()> {
    let (x, y): (Array2<f32>, _) = (numbers((36, 24)), labels(36));
    same(|threads| {
        let train = loss::train(Net::init(1)).optimizer(Sgd::new(0.1).momentum(0.9));
        let train = train.threads(threads).least_share(0).micro_batches(4);
        let mut train = train.check_finite(true).moving_average(0.9).build()?;
        let mut losses = Vec::new();
        for _ in 0..3 {
            losses.push(train.step(&x, &y)?.loss);
            losses.push(train.accumulate(&x, &y)?.loss);
            train.apply()?;
        }
        Ok((losses, train.model()?, train.averaged()?))
    })?;
    let x = numbers((6, 11, 16));
    same(|threads| {
        let train = attending_loss::train(Attending::init(4)).optimizer(Sgd::new(0.1));
        // Each thread has scratch of its own, which counts.
        let train = train.memory_budget(58_000 + 17_024 * threads);
        let mut train = train.threads(threads).least_share(0).build()?;
        Ok((train.step(&x)?.loss, train.step(&x)?.loss, train.model()?))
    })
}

/// What gains nothing by threads has none, whatever is asked for; what does says so.
#[test]
fn small_steps_stay_on_the_callers_thread() -> sinew::Result<()> {
    let mut small = loss::train(Net::init(1))
        .optimizer(Sgd::new(0.1))
        .threads(64)
        .build()?;
    small.step(numbers((16, 24)), labels(16))?;
    assert!(!small.explain().contains("shares;") && !small.explain().contains("barrier"));

    let mut large = loss::train(Net::init(1))
        .optimizer(Sgd::new(0.1))
        .threads(2)
        .build()?;
    large.step(numbers((5000, 24)), labels(5000))?;
    let words = large.explain();
    assert!(
        words.contains(", 2 shares;") && words.contains("\nbarrier\n"),
        "{words}"
    );
    assert!(words.contains("\n2 threads, "), "{words}");
    Ok(())
}

#[test]
fn no_threads_and_more_than_there_may_be_are_errors() {
    for (asked, text) in [
        (0, "asked for 0 threads: from 1"),
        (1000, "to 256 are possible"),
    ] {
        let error = loss::train(Net::init(1))
            .optimizer(Sgd::new(0.1))
            .threads(asked)
            .build();
        let error = error.map(|_| ()).expect_err("refused").to_string();
        assert!(error.contains(text), "{error}");
        let error = scores::compile(Net::init(1)).threads(asked).build();
        assert!(
            error
                .map(|_| ())
                .expect_err("refused")
                .to_string()
                .contains(text)
        );
        let error = loss::gradients(Net::init(1)).threads(asked).build();
        assert!(
            error
                .map(|_| ())
                .expect_err("refused")
                .to_string()
                .contains(text)
        );
    }
}

/// Scratch of every thread stands in the plan.
#[test]
fn the_scratch_of_each_thread_counts() -> sinew::Result<()> {
    let scratch = |threads| -> sinew::Result<usize> {
        let run = scores::compile(Net::init(1))
            .threads(threads)
            .least_share(0)
            .build()?;
        run.prepare(numbers((37, 24)))?;
        let memory = run.memory()?;
        let line = memory.lines().find(|line| line.ends_with(" scratch"));
        let bytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        Ok(bytes.expect("a region"))
    };
    let (one, three) = (scratch(1)?, scratch(3)?);
    assert!(
        one > 0 && three >= 3 * one && three < 3 * (one + 256),
        "{one} {three}"
    );
    Ok(())
}

/// Steps of several threads of the user at once, each of which takes the same threads if it can, and more than
/// the machine has.
#[test]
fn trainers_in_many_threads_go_on_side_by_side() -> sinew::Result<()> {
    let (x, y): (Array2<f32>, _) = (numbers((37, 24)), labels(37));
    let steps = |threads: usize, count: usize| -> sinew::Result<Vec<f64>> {
        let train = loss::train(Net::init(1)).optimizer(Sgd::new(0.1));
        let mut train = train.threads(threads).least_share(0).build()?;
        (0..count).map(|_| Ok(train.step(&x, &y)?.loss)).collect()
    };
    let expected = steps(1, 60)?;
    std::thread::scope(|users| {
        for user in 0..5 {
            let (steps, expected) = (&steps, &expected);
            users.spawn(move || {
                // Trainers come and go with their threads.
                for (threads, count) in [(2 + user, 60), (7, 20), (2, 3), (3, 1), (7, 60)] {
                    let losses = steps(threads, count).expect("as on one thread");
                    assert_eq!(losses, expected[..count]);
                }
            });
        }
    });
    Ok(())
}

/// One runner that several threads use, which is on several threads itself.
#[test]
fn threads_share_a_runner_that_takes_several() -> sinew::Result<()> {
    let x: Array2<f32> = numbers((37, 24));
    let run = scores::compile(Net::init(1))
        .threads(3)
        .least_share(0)
        .build()?;
    let expected = run.run(&x)?;
    std::thread::scope(|users| {
        for _ in 0..4 {
            users.spawn(|| {
                let own = run.clone();
                for _ in 0..100 {
                    assert_eq!(run.run(&x).expect("as before"), expected);
                    assert_eq!(own.run(&x).expect("as before"), expected);
                }
            });
        }
    });
    Ok(())
}
