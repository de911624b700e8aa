//! Many steps in one call, `repeat` and `epoch`, against as many calls of `step`: the same bits.

use crate::floats::floats;
use sinew::ndarray::{Array1, Array2, Axis, IxDyn, s};
use sinew::nn::BatchNorm1d;
use sinew::optim::Schedule;
use sinew::prelude::*;
use sinew::{Error, Steps};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

#[model]
struct Net {
    norm: BatchNorm1d<6>,
    hidden: Linear<6, 9>,
    out: Linear<9, 3>,
}

#[model]
fn scores<B>(m: &Net, x: Tensor<B, 6>) -> Tensor<B, 3> {
    m.out
        .forward(m.hidden.forward(m.norm.forward(x)).tanh().dropout(0.25))
}

/// With a state, random elements, a captured value, other results, and an argument that has no rows.
#[model]
fn loss<B>(
    m: &Net,
    x: Tensor<B, 6>,
    y: Tensor<i32, B>,
    scale: Tensor<3>,
) -> (Tensor, Tensor, Tensor<B, 3>) {
    let scores = capture("scores", scores(m, x) * scale);
    let right = (scores.argmax(-1) == y).cast(float).mean();
    (cross_entropy(scores, y), right, scores)
}

/// The same loss, reported alone.
#[model]
fn alone<B>(m: &Net, x: Tensor<B, 6>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(scores(m, x), y)
}

const SCALE: [f64; 3] = [1.0, 0.5, 2.0];

fn data(rows: usize) -> (Array2<f64>, Array1<i64>) {
    let x = Array2::from_shape_fn((rows, 6), |(i, j)| {
        ((i * 7 + j * 3) % 11) as f64 / 5.0 - 1.0
    });
    (x, Array1::from_shape_fn(rows, |i| ((i * 5) % 3) as i64))
}

fn bits(numbers: impl IntoIterator<Item = f64>) -> Vec<u64> {
    numbers.into_iter().map(f64::to_bits).collect()
}

fn flat(m: &impl Model) -> Vec<u64> {
    let leaves = m.leaves();
    bits(leaves.iter().flat_map(|(_, p)| p.values_f64()))
}

/// How a trainer is built.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Plain,
    Checked,
    /// With values computed again, and one program kept.
    Small,
    InParts,
}

/// Trainers of each kind for each float of each device, by two of each, with what they are called.
fn pairs() -> sinew::Result<Vec<(String, [sinew::Trainer<loss>; 2])>> {
    let mut pairs = Vec::new();
    for (device, precision, _) in floats() {
        for (kind, threads) in [
            (Kind::Plain, 1),
            (Kind::Plain, 2),
            (Kind::Checked, 1),
            (Kind::Small, 1),
            (Kind::InParts, 1),
        ] {
            let build = || {
                let train = loss::train(Net::init(3))
                    .optimizer(AdamW::new(0.01).clip_grad_norm(0.5))
                    .device(device.clone())
                    .precision(precision)
                    .threads(threads)
                    .least_share(0)
                    .capture("scores")
                    .schedule(Schedule::cosine(20).warmup(3))
                    .moving_average(0.9)
                    .seed(5);
                match kind {
                    Kind::Plain => train.build(),
                    Kind::Checked => train.check_finite(true).build(),
                    Kind::Small => train.memory_budget(30_000).cache(1).build(),
                    Kind::InParts => train.micro_batches(2).build(),
                }
            };
            let name = format!("{device:?}, {precision:?}, {kind:?}, {threads} threads");
            pairs.push((name, [build()?, build()?]));
        }
    }
    Ok(pairs)
}

/// That a call tells what single steps did, and leaves its trainer as these left theirs.
fn same(
    name: &str,
    [many, single]: &[sinew::Trainer<loss>; 2],
    steps: &Steps<(f32, Array2<f32>)>,
    singles: &[sinew::Step<(f32, Array2<f32>)>],
) -> sinew::Result<()> {
    let losses = bits(singles.iter().map(|s| s.loss));
    assert_eq!(bits(steps.losses.clone()), losses, "{name}");
    let norms: Option<Vec<f64>> = singles.iter().map(|s| s.grad_norm).collect();
    assert_eq!(steps.grad_norms, norms, "{name}");
    let numbers: Vec<u64> = singles.iter().map(|s| s.number).collect();
    assert_eq!(steps.numbers.clone().collect::<Vec<_>>(), numbers, "{name}");
    assert!(
        steps.rest.iter().eq(singles.iter().map(|s| &s.rest)),
        "{name}"
    );
    let scores = |train: &sinew::Trainer<loss>| train.captured::<f32, IxDyn>("scores");
    assert_eq!(scores(many)?, scores(single)?, "{name}");
    assert_eq!(many.steps(), single.steps(), "{name}");
    assert_eq!(many.learning_rate(), single.learning_rate(), "{name}");
    assert_eq!(flat(&many.model()?), flat(&single.model()?), "{name}");
    assert_eq!(flat(&many.averaged()?), flat(&single.averaged()?), "{name}");
    assert_eq!(
        flat(&many.gradients()?),
        flat(&single.gradients()?),
        "{name}"
    );
    Ok(())
}

#[test]
fn repeated_steps_are_single_ones() -> sinew::Result<()> {
    let (x, y) = data(8);
    for (name, mut pair) in pairs()? {
        for train in &mut pair {
            // What is accumulated stays for the update that it is for.
            train.accumulate(&x, &y, SCALE)?;
        }
        for count in [1, 5] {
            let steps = pair[0].repeat(count, &x, &y, SCALE)?;
            let singles = (0..count).map(|_| pair[1].step(&x, &y, SCALE));
            let singles: Vec<_> = singles.collect::<sinew::Result<_>>()?;
            same(&name, &pair, &steps, &singles)?;
            assert_eq!(steps.len(), count);
        }
        let [many, single] = &mut pair;
        assert_eq!(many.apply()?, single.apply()?, "{name}");
        assert_eq!(
            many.step(&x, &y, SCALE)?,
            single.step(&x, &y, SCALE)?,
            "{name}"
        );
    }
    Ok(())
}

/// 22 rows by 6 have a last batch of 4. The data is copied or not, as its elements and strides are.
#[test]
fn an_epoch_is_a_step_for_each_batch() -> sinew::Result<()> {
    let (x, y) = data(22);
    let (narrow, small) = (x.mapv(|v| v as f32), y.mapv(|v| v as i32));
    let by_columns = x.t().as_standard_layout().reversed_axes().into_owned();
    assert!(!by_columns.is_standard_layout());
    let wide = Array2::from_shape_fn((44, 6), |(i, j)| x[[i / 2, j]]);
    let every_other = wide.slice(s![..;2, ..]);
    for (name, mut pair) in pairs()? {
        let singles = |train: &mut sinew::Trainer<loss>| {
            let batches = x.axis_chunks_iter(Axis(0), 6);
            let batches = batches.zip(y.axis_chunks_iter(Axis(0), 6));
            let singles = batches.map(|(x, y)| train.step(x, y, SCALE));
            singles.collect::<sinew::Result<Vec<_>>>()
        };
        for round in 0..4 {
            let [many, single] = &mut pair;
            let steps = match round {
                0 => many.epoch(6, &x, &y, SCALE)?,
                1 => many.epoch(6, &narrow, &small, SCALE)?,
                2 => many.epoch(6, &by_columns, &small, SCALE)?,
                _ => many.epoch(6, every_other, &y, SCALE)?,
            };
            // Numbers of f32 are other ones where steps compute in f64.
            let expected = match round {
                1 => {
                    let batches = narrow.axis_chunks_iter(Axis(0), 6);
                    let batches = batches.zip(y.axis_chunks_iter(Axis(0), 6));
                    let singles = batches.map(|(x, y)| single.step(x, y, SCALE));
                    singles.collect::<sinew::Result<Vec<_>>>()?
                }
                _ => singles(single)?,
            };
            same(&name, &pair, &steps, &expected)?;
            assert_eq!(steps.len(), 4, "{name}");
            let rows = [6.0, 6.0, 6.0, 4.0];
            let mean = |numbers: Vec<f64>| {
                let sum: f64 = numbers.iter().zip(rows).map(|(n, rows)| n * rows).sum();
                sum / 22.0
            };
            let close = |found: Option<f64>, expected: f64| {
                found.is_some_and(|found| (found - expected).abs() < 1e-12)
            };
            assert!(close(steps.mean(), mean(steps.losses.clone())), "{name}");
            let right = steps.rest.iter().map(|rest| f64::from(rest.0)).collect();
            let found = steps.mean_of(|rest| f64::from(rest.0));
            assert!(close(found, mean(right)), "{name}");
        }
    }
    Ok(())
}

#[test]
fn one_batch_is_an_epoch_of_one_step() -> sinew::Result<()> {
    let (x, y) = data(5);
    let mut train = alone::train(Net::init(0))
        .optimizer(Sgd::new(0.1))
        .build()?;
    let steps = train.epoch(5, &x, &y)?;
    assert_eq!((steps.len(), steps.numbers.clone()), (1, 1..2));
    assert_eq!(steps.mean(), steps.last());
    assert!(steps.last().is_some() && steps.grad_norms.is_none());
    assert_eq!(steps.rest, [()]);
    Ok(())
}

#[test]
fn no_steps_are_a_result_too() -> sinew::Result<()> {
    let (x, y) = data(5);
    let mut train = alone::train(Net::init(0))
        .optimizer(Sgd::new(0.1))
        .build()?;
    let steps = train.repeat(0, &x, &y)?;
    assert!(steps.is_empty() && steps.numbers.is_empty());
    assert_eq!((steps.mean(), steps.last()), (None, None));
    assert_eq!((train.steps(), train.compiles()), (0, 0));
    Ok(())
}

fn refused<T>(result: sinew::Result<T>) -> Error {
    result.map(|_| ()).expect_err("it is refused")
}

#[test]
fn what_is_no_epoch_is_told() -> sinew::Result<()> {
    let (x, y) = data(20);
    let mut train = loss::train(Net::init(3)).optimizer(Sgd::new(0.1)).build()?;
    let before = train.model()?;
    let told = |error: Error, words: &str| {
        let text = error.to_string();
        assert!(matches!(error, Error::NotInBatches { .. }), "{text}");
        assert!(text.ends_with(words), "{text}");
    };
    told(
        refused(train.epoch(0, &x, &y, SCALE)),
        ": a batch has one row or more",
    );
    let words = "batches of 21 rows were asked for, and `x` has 20";
    told(refused(train.epoch(21, &x, &y, SCALE)), words);
    let short = y.slice(s![..19]);
    let words = "`x` has 20 rows, and `y` has 19";
    told(refused(train.epoch(4, &x, short, SCALE)), words);
    let none = x.slice(s![..0, ..]);
    let words = "batches of 1 rows were asked for, and `x` has 0";
    told(
        refused(train.epoch(1, none, y.slice(s![..0]), SCALE)),
        words,
    );
    // Shapes are told as they came, positions as they are in the data: here in the last, shorter batch.
    let error = refused(train.epoch(6, x.slice(s![.., ..5]), &y, SCALE)).to_string();
    assert!(error.contains("(20, 5)"), "{error}");
    let mut wrong = y.clone();
    wrong[19] = 3;
    let error = refused(train.epoch(6, &x, &wrong, SCALE));
    let at = |error: &Error| match error {
        Error::Index { position, .. } | Error::Range { position, .. } => position.clone(),
        _ => Vec::new(),
    };
    assert_eq!(at(&error), [19], "{error}");
    wrong[19] = 1 << 40;
    assert_eq!(at(&refused(train.epoch(6, &x, &wrong, SCALE))), [19]);
    wrong[7] = -1;
    wrong[19] = 0;
    assert_eq!(at(&refused(train.epoch(6, &x, &wrong, SCALE))), [7]);
    assert_eq!(at(&refused(train.repeat(6, &x, &wrong, SCALE))), [7]);
    assert_eq!((train.steps(), train.model()?), (0, before));

    #[model]
    fn fixed(m: &Net, x: Tensor<4, 6>, y: Tensor<i32, 4>) -> Tensor {
        cross_entropy(scores(m, x), y)
    }
    let mut train = fixed::train(Net::init(0))
        .optimizer(Sgd::new(0.1))
        .build()?;
    let words = "its first argument has no symbol for its first axis";
    told(refused(train.epoch(4, &x, &y)), words);
    Ok(())
}

/// A result with the batch on both of its axes is no reason to refuse an epoch: each step gives its own.
#[test]
fn results_may_have_any_shape() -> sinew::Result<()> {
    #[model]
    struct Row {
        #[init(ones)]
        w: Param<6>,
    }
    #[model]
    fn products<B>(m: &Row, x: Tensor<B, 6>) -> (Tensor, Tensor<B, B>) {
        let h = m.w * x;
        (h.square().mean(), matmul(h, h.t()))
    }
    let (x, _) = data(7);
    let mut train = products::train(Row::init(0))
        .optimizer(Sgd::new(0.1))
        .build()?;
    let steps = train.epoch(3, &x)?;
    let shapes: Vec<_> = steps.rest.iter().map(|rest| rest.dim()).collect();
    assert_eq!(shapes, [(3, 3), (3, 3), (1, 1)]);
    Ok(())
}

#[model]
struct Weight {
    #[init(ones)]
    w: Param,
}

#[model]
fn logarithm<N>(m: &Weight, x: Tensor<N>) -> Tensor {
    (m.w * x).log().mean()
}

/// What goes wrong in a step is told with its number; those before it were taken.
#[test]
fn steps_before_one_that_fails_count() -> sinew::Result<()> {
    let x = [1.0, 2.0, 3.0, 4.0, 0.0, 5.0];
    let build = || logarithm::train(Weight::init(0)).optimizer(Sgd::new(0.01));
    let mut train = build().check_finite(true).build()?;
    let mut by_hand = build().build()?;
    train.step([2.0])?;
    by_hand.step([2.0])?;
    let taken = [
        by_hand.step([1.0, 2.0])?.loss,
        by_hand.step([3.0, 4.0])?.loss,
    ];
    let error = refused(train.epoch(2, x));
    let text = error.to_string();
    let start = "step 4, behind 2 others of one call: the loss of";
    assert!(
        text.starts_with(start) && text.contains("`log` at tests/steps.rs"),
        "{text}"
    );
    let Error::InSteps {
        number,
        losses,
        source,
    } = error
    else {
        return Err(error);
    };
    assert_eq!((number, losses), (4, taken.to_vec()));
    assert!(matches!(*source, Error::Computed { .. }), "{source}");
    assert_eq!((train.steps(), train.model()?), (3, by_hand.model()?));

    // Without the check, a rate that is none.
    for device in crate::devices::devices() {
        let bad = Schedule::new(|step| if step == 3 { -1.0 } else { 1.0 });
        let mut train = build().schedule(bad).device(device).build()?;
        let error = refused(train.repeat(9, [1.0, 2.0]));
        let Error::InSteps { number, source, .. } = &error else {
            return Err(error);
        };
        assert_eq!((*number, train.steps()), (4, 3));
        assert!(matches!(**source, Error::Setting { .. }), "{source}");
    }
    Ok(())
}

/// Runners on other threads do not wait for the end of a call of many steps.
#[test]
fn others_are_let_in_between_steps() -> sinew::Result<()> {
    #[model]
    fn height<N>(m: &Weight, x: Tensor<N>) -> Tensor<N> {
        m.w * x
    }
    const STEPS: usize = 20_000;
    let (begun, answered) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicBool::new(false)),
    );
    let step_of_answer = Arc::new(AtomicUsize::new(STEPS));
    // Asked for in each step, so it sees the runner's answer while steps go on.
    let schedule = Schedule::new({
        let (begun, answered) = (Arc::clone(&begun), Arc::clone(&answered));
        let step_of_answer = Arc::clone(&step_of_answer);
        move |step| {
            begun.store(true, Ordering::SeqCst);
            match answered.load(Ordering::SeqCst) {
                true => {
                    step_of_answer.fetch_min(step as usize, Ordering::SeqCst);
                }
                false => std::thread::sleep(Duration::from_millis(1)),
            }
            1.0
        }
    });
    let train = logarithm::train(Weight::init(0)).optimizer(Sgd::new(0.0));
    let mut train = train.schedule(schedule).build()?;
    let run = height::attach(&train)?;
    run.prepare([3.0])?;
    let answer = std::thread::scope(|scope| {
        let runner = scope.spawn(|| {
            while !begun.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            let answer = run.run([3.0]);
            answered.store(true, Ordering::SeqCst);
            answer
        });
        let steps = train.repeat(STEPS, [1.0, 2.0]);
        // Where steps failed, the runner is not to wait for them.
        begun.store(true, Ordering::SeqCst);
        steps?;
        runner
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    assert_eq!(answer.to_vec(), [3.0]);
    assert!(step_of_answer.load(Ordering::SeqCst) < STEPS);
    Ok(())
}
