//! Training by epochs: how it ends, what it tells, and that it is the loop that one writes by hand.

use crate::digits::digits;
use ndarray::{Array1, Array2, array};
use sinew::data::metrics::{Accuracy, ConfusionMatrix, Mean, MeanAbsoluteError};
use sinew::data::{AnyError, Batches, Latest, Loader, Log, Source, load, split};
use sinew::fitting::{End, EpochDone, Failed, Problem, Taken, Training};
use sinew::prelude::*;
use sinew::{evaluate, fit, mean_over};
use std::cell::RefCell;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// A path in the folder that Cargo has for what tests write.
fn temporary(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fit");
    std::fs::create_dir_all(&folder).expect("a folder of the target's");
    folder.join(name)
}

/// "Trains" by returning the numbers of its batches as losses; one above 900 is a failure.
#[derive(Default)]
struct Scripted {
    steps: u64,
    saved: RefCell<Vec<(u64, PathBuf)>>,
    full: bool,
}

impl Training<ndarray::ArcArray1<f64>> for Scripted {
    fn step_on(&mut self, batch: &ndarray::ArcArray1<f64>) -> sinew::Result<Taken> {
        let loss = batch.mean().unwrap_or(0.0);
        if loss > 900.0 {
            return Err(sinew::Error::NoCache);
        }
        self.steps += 1;
        Ok(Taken {
            loss,
            number: self.steps,
        })
    }
    fn steps_taken(&self) -> u64 {
        self.steps
    }
    fn rate(&self) -> f64 {
        0.5 / (1 + self.steps) as f64
    }
    fn save_to(&self, path: &Path) -> sinew::Result<()> {
        match self.full {
            true => Err(sinew::Error::NoCache),
            false => {
                self.saved.borrow_mut().push((self.steps, path.into()));
                Ok(())
            }
        }
    }
}

fn three_rows() -> Batches<Array1<f64>> {
    Batches::new(array![1.0, 2.0, 6.0], 2).expect("they fit")
}

/// A validation with these scores, epoch by epoch.
fn scores(scores: &[f64]) -> impl FnMut() -> Result<f64, AnyError> {
    let mut scores = scores.iter().copied();
    move || scores.next().ok_or_else(|| "no more scores".into())
}

fn of_epoch(epochs: &[EpochDone]) -> Vec<(u64, u64, bool)> {
    epochs.iter().map(|e| (e.epoch, e.steps, e.best)).collect()
}

#[test]
fn all_epochs_are_trained() {
    let mut train = Scripted::default();
    let fitted = fit(&mut train, &three_rows())
        .epochs(3)
        .run()
        .expect("nothing fails");
    assert_eq!(fitted.end, End::Completed);
    assert_eq!(
        of_epoch(&fitted.epochs),
        [(1, 2, true), (2, 4, false), (3, 6, false)]
    );
    let first = fitted.epochs[0];
    // The mean over rows: batches of 2 and of 1.
    assert_eq!(
        (first.loss, first.score, first.learning_rate),
        (3.0, None, 0.5 / 3.0)
    );
    assert_eq!(fitted.best, Some(first));
    let one = fit(&mut train, &three_rows()).run().expect("nothing fails");
    assert_eq!(of_epoch(&one.epochs), [(1, 8, true)]);
    let none = fit(&mut train, &three_rows())
        .epochs(0)
        .run()
        .expect("nothing fails");
    assert_eq!(
        (none.end, none.epochs.len(), none.best),
        (End::Completed, 0, None)
    );
}

#[test]
fn training_stops_when_nothing_is_better_for_so_long() {
    let run = |patience, found: &[f64]| {
        let mut train = Scripted::default();
        let batches = three_rows();
        let fitted = fit(&mut train, &batches)
            .epochs(6)
            .maximize("accuracy", scores(found))
            .early_stopping(patience);
        let fitted = fitted.run().expect("nothing fails");
        (fitted.end, fitted.best.map(|best| (best.epoch, best.score)))
    };
    let better_late = [0.5, 0.7, 0.6, 0.7, 0.8, 0.1];
    assert_eq!(
        run(2, &better_late),
        (End::StoppedEarly { epoch: 4 }, Some((2, Some(0.7))))
    );
    assert_eq!(run(3, &better_late), (End::Completed, Some((5, Some(0.8)))));
    assert_eq!(
        run(1, &better_late),
        (End::StoppedEarly { epoch: 3 }, Some((2, Some(0.7))))
    );
    assert_eq!(run(0, &better_late), run(1, &better_late));
    assert_eq!(
        End::StoppedEarly { epoch: 4 }.to_string(),
        "stopped early after epoch 4"
    );
    // Without a validation the training loss says, which stays the same here.
    let mut train = Scripted::default();
    let fitted = fit(&mut train, &three_rows())
        .epochs(9)
        .early_stopping(3)
        .run()
        .expect("nothing fails");
    assert_eq!(fitted.end, End::StoppedEarly { epoch: 4 });
}

#[test]
fn the_best_epochs_are_saved() {
    let mut train = Scripted::default();
    let batches = three_rows();
    let fitted = fit(&mut train, &batches)
        .epochs(4)
        .minimize("error", scores(&[0.5, 0.7, 0.2, 0.2]))
        .keep_best("best.file")
        .run()
        .expect("nothing fails");
    assert_eq!(
        of_epoch(&fitted.epochs),
        [(1, 2, true), (2, 4, false), (3, 6, true), (4, 8, false)]
    );
    assert_eq!(
        train.saved.into_inner(),
        [2, 6].map(|steps| (steps, "best.file".into()))
    );
}

#[test]
fn callbacks_see_all_and_end_training() {
    let (mut train, mut losses, mut epochs) = (Scripted::default(), Vec::new(), Vec::new());
    let batches = three_rows();
    let fitted = fit(&mut train, &batches)
        .epochs(2)
        .each_step(|step| losses.push((step.number, step.loss)))
        .each_epoch(|epoch| epochs.push(epoch.epoch))
        .run()
        .expect("nothing fails");
    assert_eq!(fitted.end, End::Completed);
    assert_eq!(losses, [(1, 1.5), (2, 6.0), (3, 1.5), (4, 6.0)]);
    assert_eq!(epochs, [1, 2]);

    let stop_at = |number| {
        move |step: &Taken| match step.number == number {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let mut train = Scripted::default();
    let fitted = fit(&mut train, &batches)
        .epochs(5)
        .each_step(stop_at(3))
        .run()
        .expect("nothing fails");
    assert_eq!(
        (fitted.end, of_epoch(&fitted.epochs)),
        (End::Aborted { epoch: 2 }, vec![(1, 2, true)])
    );
    assert_eq!(train.steps, 3);
    let fitted = fit(&mut train, &batches)
        .epochs(5)
        .each_epoch(|_| ControlFlow::Break(()))
        .run();
    let fitted = fitted.expect("nothing fails");
    assert_eq!(
        (fitted.end, fitted.epochs.len()),
        (End::Aborted { epoch: 1 }, 1)
    );
}

#[test]
fn a_log_has_a_line_for_each_epoch() {
    let path = temporary("fit.jsonl");
    let batches = three_rows();
    // Each name stands once in a line.
    for (name, written) in [
        ("error", "error"),
        ("loss", "valid_loss"),
        ("step", "valid_step"),
    ] {
        let mut log = Log::create(&path).expect("a file");
        let mut train = Scripted::default();
        let fit = fit(&mut train, &batches).epochs(3).after(1).log(&mut log);
        let fitted = fit.minimize(name, scores(&[0.25, 0.125])).run();
        fitted.expect("nothing fails");
        let text = std::fs::read_to_string(&path).expect("a log");
        let line = |step, epoch, rate: f64, score| {
            format!(
                "{{\"step\":{step},\"epoch\":{epoch},\"loss\":3,\"learning_rate\":{rate},\"{written}\":{score}}}\n"
            )
        };
        let expected = line(2, 2, 0.5 / 3.0, 0.25) + &line(4, 3, 0.1, 0.125);
        assert_eq!(text, expected);
    }
}

/// What failed, and where.
fn failed(result: Result<sinew::fitting::Fitted, Box<Failed>>) -> Failed {
    *result.expect_err("it fails")
}

#[test]
fn failures_tell_what_was_done_until_then() {
    let mut train = Scripted::default();
    let good = three_rows();
    // A step that fails, in the second batch.
    let bad = Batches::new(array![1.0, 2.0, 1000.0], 2).expect("they fit");
    let failure = failed(fit(&mut train, &bad).epochs(3).run());
    assert!(matches!(
        failure.problem,
        Problem::Call(sinew::Error::NoCache)
    ));
    assert_eq!(
        (failure.epoch, failure.steps, failure.epochs.len()),
        (1, 1, 0)
    );
    assert!(
        failure
            .to_string()
            .starts_with("epoch 1, after 1 steps: a cache of 0 programs"),
        "{failure}"
    );

    // A loss that is none.
    let bad = Batches::new(array![1.0, 2.0, f64::NAN], 2).expect("they fit");
    let failure = failed(fit(&mut train, &bad).run());
    assert!(matches!(failure.problem, Problem::NotFinite { loss } if loss.is_nan()));
    assert!(
        failure
            .to_string()
            .contains("the loss is NaN. With `.check_finite(true)`"),
        "{failure}"
    );

    // A validation that fails, in the third epoch; one that gives nothing.
    train.steps = 0;
    let failure = failed(
        fit(&mut train, &good)
            .epochs(9)
            .maximize("accuracy", scores(&[0.5, 0.25]))
            .run(),
    );
    assert_eq!(
        (failure.epoch, failure.steps, failure.epochs.len()),
        (3, 6, 2)
    );
    assert_eq!(failure.best.map(|best| best.epoch), Some(1));
    assert_eq!(failure.problem.to_string(), "`accuracy`: no more scores");
    let empty = || Ok::<_, AnyError>(Accuracy::new());
    let failure = failed(fit(&mut train, &good).maximize("accuracy", empty).run());
    assert_eq!(
        failure.problem.to_string(),
        "`accuracy` is none: there is nothing to judge the epoch by"
    );
    let failure = failed(
        fit(&mut train, &good)
            .minimize("loss", scores(&[f64::NAN]))
            .run(),
    );
    assert!(matches!(
        failure.problem,
        Problem::NoScore { found: "NaN", .. }
    ));

    // Nothing to train on.
    let none = Batches::new(array![1.0], 2).expect("they fit").drop_last();
    let failure = failed(fit(&mut train, &none).run());
    assert!(matches!(failure.problem, Problem::NoBatches));

    // A disk that is full.
    train.full = true;
    let failure = failed(fit(&mut train, &good).epochs(2).keep_best("best").run());
    assert!(matches!(failure.problem, Problem::Call(_)));
    // The epoch itself came to its end.
    assert_eq!(of_epoch(&failure.epochs).len(), 1);
}

/// Fails in its second epoch.
struct Disk(std::sync::atomic::AtomicUsize);

impl Source for Disk {
    type Row = f64;
    fn len(&self) -> usize {
        4
    }
    fn get(&self, row: usize) -> Result<f64, AnyError> {
        match self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
            6 => Err("a bad sector".into()),
            _ => Ok(row as f64),
        }
    }
}

#[test]
fn a_source_that_fails_ends_training() {
    for ahead in [None, Some(2)] {
        let loader = Loader::new(Disk(0.into()), 2).expect("a size");
        let loader = match ahead {
            None => loader,
            Some(batches) => loader.prefetch(batches),
        };
        let mut train = Scripted::default();
        let failure = failed(fit(&mut train, &loader).epochs(3).run());
        assert!(matches!(
            failure.problem,
            Problem::Data(sinew::data::Error::Source { row: 2, .. })
        ));
        assert_eq!(
            (failure.epoch, failure.steps, failure.epochs.len()),
            (2, 3, 1)
        );
        assert_eq!(
            failure.to_string(),
            "epoch 2, after 3 steps: row 2 of the source: a bad sector"
        );
    }
}

const HIDDEN: usize = 16;

#[model]
struct Digits {
    hidden: Linear<64, HIDDEN>,
    out: Linear<HIDDEN, 10>,
}

#[model]
fn logits<B>(m: &Digits, x: Tensor<B, 64>) -> Tensor<B, 10> {
    m.out.forward(m.hidden.forward(x).relu())
}

#[model]
fn loss<B>(m: &Digits, x: Tensor<B, 64>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(logits(m, x), y)
}

type Set = (ndarray::ArcArray2<f32>, ndarray::ArcArray1<i32>);

fn sets() -> (Set, Set) {
    let (x, y) = digits();
    let x = x.mapv(|pixel| pixel as f32);
    split((x, y), 0.2, 3).expect("both have rows")
}

/// The same start each time.
macro_rules! trainer {
    () => {
        loss::train(Digits::init(5))
            .optimizer(AdamW::new(1e-2))
            .build()
    };
}

/// All parameters, bit by bit.
fn bits(model: &Digits) -> Vec<u64> {
    let mut bits = Vec::new();
    model.visit("", &mut |_, param| {
        bits.extend(param.values_f64().iter().map(|value| value.to_bits()));
    });
    bits
}

#[test]
fn it_is_the_loop_that_one_writes_by_hand() -> Result<(), AnyError> {
    let (train_set, valid_set) = sets();
    let batches = Batches::new(train_set, 32)?.shuffle(7);
    let valid = Batches::new(valid_set, 100)?;

    let mut by_hand = trainer!()?;
    let predict = logits::attach(&by_hand)?;
    let mut expected = Vec::new();
    for epoch in 0..3 {
        let (mut mean, mut accuracy) = (Mean::new(), Accuracy::new());
        for (x, y) in batches.epoch(epoch) {
            mean.add(by_hand.step(&x, &y)?.loss, y.len())?;
        }
        for (x, y) in &valid {
            accuracy.add(&predict.run(&x)?, &y)?;
        }
        expected.push((mean.value().ok_or("rows")?, accuracy.value()));
    }

    let mut train = trainer!()?;
    let predict = logits::attach(&train)?;
    let best = temporary("digits.safetensors");
    let fitted = fit(&mut train, &batches)
        .epochs(3)
        .maximize("accuracy", || evaluate(&predict, &valid, Accuracy::new()))
        .keep_best(&best)
        .run()?;
    let found: Vec<_> = fitted
        .epochs
        .iter()
        .map(|epoch| (epoch.loss, epoch.score))
        .collect();
    assert_eq!(found, expected);
    assert_eq!(bits(&train.model()?), bits(&by_hand.model()?));
    assert!(fitted.best.is_some_and(|best| best.score > Some(0.8)));
    // The file has the best epoch's model.
    let again = logits::compile(Digits::load(&best)?).build()?;
    let accuracy = evaluate(&again, &valid, Accuracy::new())?;
    assert_eq!(accuracy.value(), fitted.best.and_then(|best| best.score));
    Ok(())
}

#[test]
fn a_run_that_was_interrupted_goes_on_as_if_it_had_not_been() -> Result<(), AnyError> {
    let batches = Batches::new(sets().0, 64)?.shuffle(7);
    let mut whole = trainer!()?;
    fit(&mut whole, &batches).epochs(4).run()?;

    let file = temporary("interrupted.safetensors");
    let mut first = trainer!()?;
    fit(&mut first, &batches).epochs(2).run()?;
    first.save(&file)?;
    let mut second = trainer!()?;
    second.resume(&file)?;
    let fitted = fit(&mut second, &batches).epochs(4).after(2).run()?;
    assert_eq!(
        fitted.epochs.iter().map(|e| e.epoch).collect::<Vec<_>>(),
        [3, 4]
    );
    assert_eq!(bits(&second.model()?), bits(&whole.model()?));
    Ok(())
}

#[test]
fn evaluations_are_those_of_all_rows_at_once() -> Result<(), AnyError> {
    let (_, (x, y)) = sets();
    let valid = Batches::new((&x, &y), 50)?;
    let mut train = trainer!()?;
    train.step(&x, &y)?;
    let predict = logits::attach(&train)?;
    let (accuracy, confusion) = evaluate(
        &predict,
        &valid,
        (Accuracy::top(3), ConfusionMatrix::new(10)?),
    )?;
    let scores = predict.run(&x)?;
    let mut whole = (Accuracy::top(3), ConfusionMatrix::new(10)?);
    whole.0.add(&scores, &y)?;
    whole.1.add(&scores, &y)?;
    assert_eq!((accuracy, confusion), whole);
    let loss = loss::compile(train.model()?)
        .precision(Precision::F64)
        .build()?;
    let mean = mean_over(&loss, &valid)?.value().ok_or("rows")?;
    let all = loss.run_f64(&x, &y)?;
    assert!((mean - all).abs() < 1e-12 * all, "{mean} {all}");
    Ok(())
}

#[test]
fn labels_that_are_no_classes_are_told_by_the_metric() -> Result<(), AnyError> {
    let (_, (x, y)) = sets();
    let valid = Batches::new((&x, y.mapv(|label| label + 5)), 50)?;
    let error =
        evaluate(&logits::attach(&trainer!()?)?, &valid, Accuracy::new()).expect_err("15 digits");
    assert!(
        matches!(error, Problem::Data(sinew::data::Error::Metric { .. })),
        "{error}"
    );
    Ok(())
}

/// Data from a file of text, its labels by their column's name, is what the tests read by hand.
#[test]
fn a_table_of_text_is_trained_on() -> Result<(), AnyError> {
    let table = load::csv(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/examples/data/digits.csv"
    ))?;
    let x = table.columns::<f32>(0..64)? / 16.0;
    let y = table.column::<i32>(table.width() - 1)?;
    let (expected_x, expected_y) = digits();
    assert_eq!((x.mapv(f64::from), &y), (expected_x, &expected_y));
    let mut train = trainer!()?;
    let fitted = fit(&mut train, &Batches::new((x, y), 64)?.shuffle(1))
        .epochs(2)
        .run()?;
    assert!(fitted.epochs[1].loss < fitted.epochs[0].loss);
    Ok(())
}

#[model]
struct Line {
    #[init(zeros)]
    slope: Param,
}

#[model]
fn height<N>(line: &Line, x: Tensor<N>, scale: Tensor<N>) -> Tensor<N> {
    line.slope * x * scale
}

#[model]
fn far<N>(line: &Line, x: Tensor<N>, scale: Tensor<N>, y: Tensor<N>) -> Tensor {
    mse(height(line, x, scale), y)
}

#[model]
fn size<N, D>(line: &Line, x: Tensor<N, D>) -> Tensor {
    (line.slope - x).square().mean()
}

/// Functions of one array and of several, views and references for data, f64 for f32.
#[test]
fn batches_of_any_number_of_arrays_are_stepped_on() -> Result<(), AnyError> {
    let x = Array1::linspace(0.0f64, 1.0, 40);
    let (scale, y) = (Array1::from_elem(40, 2.0f32), x.mapv(|x| 6.0 * x));
    let batches = Batches::new((x.view(), &scale, y), 8)?.shuffle(1);
    let mut train = far::train(Line::init(0))
        .optimizer(Sgd::new(0.2))
        .precision(Precision::F64)
        .build()?;
    fit(&mut train, &batches).epochs(60).run()?;
    assert!((train.model()?.slope.item()? - 3.0).abs() < 1e-6);
    let predict = height::attach(&train)?;
    let error = evaluate(&predict, &batches, MeanAbsoluteError::new())?;
    assert!(error.value() < Some(1e-5), "{error:?}");
    assert!(mean_over(&far::attach(&train)?, &batches)?.value() < Some(1e-10));

    let mut train = size::train(Line::init(0))
        .optimizer(Sgd::new(0.2))
        .build()?;
    fit(
        &mut train,
        &Batches::new(Array2::<f32>::from_elem((9, 2), 4.0), 4)?,
    )
    .epochs(40)
    .run()?;
    assert!((train.model()?.slope.item()? - 4.0).abs() < 1e-3);
    // In a tuple it is the same.
    fit(
        &mut train,
        &Batches::new((Array2::<f32>::from_elem((9, 2), 5.0),), 4)?,
    )
    .epochs(40)
    .run()?;
    assert!((train.model()?.slope.item()? - 5.0).abs() < 1e-3);
    Ok(())
}

/// A runner goes to the thread of a preview, and sees what a trainer does here.
#[test]
fn the_newest_of_many_runs_is_shown() -> Result<(), AnyError> {
    let mut train = size::train(Line::init(0))
        .optimizer(Sgd::new(0.5))
        .build()?;
    train.step(array![[1.0f32]])?;
    let far = size::attach(&train)?;
    let (send, outcomes) = std::sync::mpsc::channel();
    let latest = Latest::new(
        move |x: &Array2<f32>, _| Ok(Some(far.run(x)?)),
        move |outcome| drop(send.send(outcome)),
    )?;
    let inputs = [array![[3.0f32]], array![[]], array![[5.0]]];
    for input in inputs {
        latest.submit(input);
    }
    let newest = outcomes
        .iter()
        .find(|outcome| outcome.number == 2)
        .ok_or("an outcome for each")?;
    // One step of descent from 0 goes to 1.
    assert!(
        matches!(newest.end, sinew::data::End::Completed(16.0)),
        "{newest:?}"
    );
    latest.submit(array![[]]);
    let empty = outcomes.recv()?;
    assert!(
        matches!(empty.end, sinew::data::End::Failed(_)),
        "{empty:?}"
    );
    Ok(())
}

#[cfg(feature = "progress")]
#[test]
fn progress_changes_nothing() {
    let mut train = Scripted::default();
    let fitted = fit(&mut train, &three_rows())
        .epochs(2)
        .progress()
        .run()
        .expect("nothing fails");
    assert_eq!((fitted.end, fitted.epochs.len()), (End::Completed, 2));
}
