//! Programs are compiled once for each set of argument shapes, and the least used goes first. Tests
//! that count compiles train with a rule of their own, or run sizes of their own: programs are shared.

use crate::support::{Logits, Relu, attach, build, digits, start};
use crate::warnings::Warnings;
use ndarray::{Array2, s};
use sinew::optim::Sgd;
use sinew_runtime::{Compile, Error, Precision, Runner};

#[test]
fn one_program_a_batch_size() {
    let (x, y) = digits();
    let mut trainer = build::<Relu>(Sgd::new(0.1).momentum(0.11), Precision::F32);
    for (rows, compiles) in [(32, 1), (7, 2), (32, 2), (1, 3), (7, 3)] {
        trainer
            .step(x.slice(s![..rows, ..]), y.slice(s![..rows]))
            .unwrap();
        assert_eq!(trainer.compiles(), compiles);
    }
}

#[test]
fn the_least_recently_used_program_goes() {
    let x = Array2::<f32>::zeros((4, 64));
    let runner = Compile::<Logits>::new((sinew_runtime::Shared::new(start()),))
        .cache(2)
        .build()
        .unwrap();
    for (rows, compiles) in [(1, 1), (2, 2), (1, 2), (3, 3), (1, 3), (2, 4)] {
        runner.run(x.slice(s![..rows, ..])).unwrap();
        assert_eq!(runner.compiles(), compiles, "{rows} rows");
    }
}

#[test]
fn a_learning_rate_compiles_nothing() {
    let (x, y) = digits();
    let (x, y) = (x.slice(s![..32, ..]), y.slice(s![..32]));
    let mut trainer = build::<Relu>(Sgd::new(0.1).weight_decay(1e-12), Precision::F64);
    let start = trainer.step(x, y).unwrap().loss;
    trainer.set_learning_rate(0.0).unwrap();
    let still = trainer.step(x, y).unwrap().loss;
    assert_ne!(start, still);
    assert_eq!(trainer.step(x, y).unwrap().loss, still);
    assert_eq!(
        (trainer.compiles(), trainer.learning_rate(), trainer.steps()),
        (1, 0.0, 3)
    );
}

#[test]
fn any_layout_of_an_argument_gives_the_same_loss() {
    let (x, y) = digits();
    let (x, y) = (x.slice(s![..9, ..]).to_owned(), y.slice(s![..9]).to_owned());
    let narrow = x.mapv(|v| v as f32);
    let mut losses = Vec::new();
    let mut step = |loss: f64| losses.push(loss);
    let fresh = || build::<Relu>(Sgd::new(0.1), Precision::F32);
    step(fresh().step(&narrow, &y).unwrap().loss);
    step(fresh().step(&x, &y).unwrap().loss);
    step(fresh().step(narrow.t().to_owned().t(), &y).unwrap().loss);
    // One element off any vector's alignment, read where it lies.
    let mut padded = vec![0.0; 1];
    padded.extend(narrow.iter());
    let shifted = ndarray::ArrayView2::from_shape((9, 64), &padded[1..]).unwrap();
    let mut labels = vec![0];
    labels.extend(y.iter());
    step(fresh().step(shifted, &labels[1..]).unwrap().loss);
    let doubled = ndarray::Array2::from_shape_fn((9, 128), |(i, j)| narrow[[i, j / 2]]);
    step(fresh().step(doubled.slice(s![.., ..;2]), &y).unwrap().loss);
    assert!(losses.iter().all(|l| *l == losses[0]), "{losses:?}");
}

#[test]
fn every_stage_has_a_text() {
    let (x, y) = digits();
    let mut trainer = build::<Relu>(Sgd::new(0.1).clip_grad_norm(1.0), Precision::F32);
    let error = trainer.linked().unwrap_err().to_string();
    assert_eq!(
        error,
        "nothing is compiled for `loss` yet: call it once, or `prepare` it"
    );
    trainer
        .prepare(x.slice(s![..32, ..]), y.slice(s![..32]))
        .unwrap();
    assert_eq!(trainer.steps(), 0);
    let signature = trainer.signature();
    assert!(
        signature.starts_with("fn @loss<B>(%m: Digits { hidden: Linear { w: param float[64, 32]"),
        "{signature}"
    );
    assert!(signature.ends_with("%y: i32[B]) -> float[]"), "{signature}");
    assert!(trainer.ir().contains("pullback(%15: float[])"));
    assert!(
        trainer
            .inlined()
            .unwrap()
            .contains("pullback(%15: float[])")
    );
    let linked = trainer.linked().unwrap();
    assert!(
        linked.contains("f32[32, 64]") && linked.contains("fn @update"),
        "{linked}"
    );
    assert!(
        trainer.explain().contains("params"),
        "{}",
        trainer.explain()
    );
    assert!(trainer.clif().unwrap().contains("function"));
    let memory = trainer.memory().unwrap();
    assert!(
        memory.contains("gradients") && memory.contains("scratch") && memory.contains("in all"),
        "{memory}"
    );
}

/// Runs the logits of so many rows of zeros.
fn run(runner: &mut Runner<Logits>, rows: usize) -> Array2<f32> {
    runner.run(Array2::<f32>::zeros((rows, 64))).unwrap()
}

#[test]
fn runners_of_one_function_share_programs() {
    let build = || {
        Compile::<Logits>::new((sinew_runtime::Shared::new(start()),))
            .build()
            .unwrap()
    };
    let (mut one, mut other) = (build(), build());
    let expected = run(&mut one, 101);
    assert_eq!(run(&mut other, 101), expected);
    assert_eq!(run(&mut other, 101), expected);
    let (first, second) = (one.cache_stats(), other.cache_stats());
    assert_eq!((first.compiles, first.shared, first.hits), (1, 0, 0));
    assert_eq!((second.compiles, second.shared, second.hits), (0, 1, 1));
    assert!(first.bytes > 0 && first.programs == 1);
    // It lives as long as anyone keeps it.
    drop(one);
    assert_eq!(run(&mut build(), 101), expected);
    assert_eq!(other.compiles(), 0);
    drop(other);
    let mut last = build();
    assert_eq!(run(&mut last, 101), expected);
    assert_eq!(last.compiles(), 1);
}

#[test]
fn threads_share_programs_and_no_memory() {
    let build = |scale: f64| {
        let mut model = start();
        model.out[0].fill(scale);
        Compile::<Logits>::new((sinew_runtime::Shared::new(model),))
            .build()
            .unwrap()
    };
    let mut runners: Vec<_> = (0..4).map(|i| build(f64::from(i))).collect();
    let expected: Vec<_> = runners.iter_mut().map(|r| run(r, 103)).collect();
    std::thread::scope(|threads| {
        for (runner, expected) in runners.iter_mut().zip(&expected) {
            threads.spawn(move || {
                for _ in 0..200 {
                    assert_eq!(run(runner, 103), *expected);
                }
            });
        }
    });
    assert_eq!(runners.iter().map(Runner::compiles).sum::<u64>(), 1);
}

#[test]
fn what_is_compiled_otherwise_is_not_shared() {
    let (x, y) = digits();
    let (x, y) = (x.slice(s![..13, ..]), y.slice(s![..13]));
    let step = |rule: Sgd, check: bool| {
        let train =
            sinew::__private::train::<Relu>((sinew_runtime::Shared::new(start()),)).optimizer(rule);
        let mut trainer = train.check_finite(check).build().unwrap();
        trainer.step(x, y).unwrap();
        trainer
    };
    let rule = |momentum| Sgd::new(0.1).momentum(momentum);
    let first = step(rule(0.21), false);
    assert_eq!(step(Sgd::new(0.7).momentum(0.21), false).compiles(), 0);
    assert_eq!(step(rule(0.22), false).compiles(), 1);
    assert_eq!(step(rule(0.21).clip_grad_norm(1.0), false).compiles(), 1);
    assert_eq!(step(rule(0.21), true).compiles(), 1);
    assert_eq!(first.compiles(), 1);
}

/// Twice through fifty sizes: the second time nothing is compiled.
#[test]
fn many_sizes_are_kept() {
    // A place of warnings that is first reached where nobody listens is silent for good.
    let warnings = Warnings::default();
    let mut runner = Compile::<Logits>::new((sinew_runtime::Shared::new(start()),))
        .build()
        .unwrap();
    tracing::subscriber::with_default(warnings.clone(), || {
        for _ in 0..2 {
            for rows in 201..=250 {
                run(&mut runner, rows);
            }
        }
    });
    assert_eq!(warnings.0.lock().unwrap().len(), 2); // at 16 and 32
    let stats = runner.cache_stats();
    assert_eq!((stats.compiles, stats.hits, stats.programs), (50, 50, 50));
}

#[test]
fn a_cache_of_no_programs_is_refused() {
    let refused = |error: Option<Error>| {
        let error = error.expect("nothing could run");
        assert!(matches!(error, Error::NoCache), "{error}");
    };
    let train = sinew::__private::train::<Relu>((sinew_runtime::Shared::new(start()),)).cache(0);
    refused(train.build().err());
    refused(
        Compile::<Logits>::new((sinew_runtime::Shared::new(start()),))
            .cache(0)
            .build()
            .err(),
    );
    let trainer = build::<Relu>(Sgd::new(0.1), Precision::F32);
    let runner = attach::<Logits>(&trainer).unwrap();
    refused(runner.cache(0).err());
}

#[test]
fn an_attached_runner_has_a_cache_of_its_own() {
    let trainer = build::<Relu>(Sgd::new(0.1), Precision::F32);
    let mut runner = attach::<Logits>(&trainer).unwrap().cache(2).unwrap();
    for (rows, compiles) in [(301, 1), (302, 2), (301, 2), (303, 3), (301, 3), (302, 4)] {
        run(&mut runner, rows);
        assert_eq!(runner.compiles(), compiles, "{rows} rows");
        assert!(runner.cache_stats().programs <= 2);
    }
    let runner = runner.cache(1).unwrap();
    assert_eq!(runner.cache_stats().programs, 1);
}

#[test]
fn more_compiles_than_hits_are_told() {
    let warnings = Warnings::default();
    let mut runner = Compile::<Logits>::new((sinew_runtime::Shared::new(start()),))
        .cache(2)
        .build()
        .unwrap();
    tracing::subscriber::with_default(warnings.clone(), || {
        for round in 0..5 {
            for rows in [401, 402, 403, 404] {
                run(&mut runner, rows);
            }
            let told = warnings.0.lock().unwrap().len();
            assert_eq!(told, usize::from(round > 2), "{:?}", runner.cache_stats());
        }
    });
    let seen = warnings.0.lock().unwrap();
    for part in ["logits", "compiles=16", "hits=0", "programs=2"] {
        assert!(seen[0].contains(part), "{seen:?}");
    }
}

/// All sizes work in the same memory, and `memory` tells what is there.
#[test]
fn memory_that_larger_arguments_needed_is_told() {
    let mut runner = Compile::<Logits>::new((sinew_runtime::Shared::new(start()),))
        .build()
        .unwrap();
    let bytes = |runner: &Runner<Logits>, what: &str| -> usize {
        let text = runner.memory().unwrap();
        let line = text.lines().find(|l| l.ends_with(what));
        line.map_or(0, |l| l.split_whitespace().next().unwrap().parse().unwrap())
    };
    run(&mut runner, 512);
    let large = ["arena", "scratch", "result 0"].map(|what| bytes(&runner, what));
    assert_eq!(bytes(&runner, "for larger arguments"), 0);
    run(&mut runner, 2);
    let small = ["arena", "scratch", "result 0"].map(|what| bytes(&runner, what));
    let kept = bytes(&runner, "for larger arguments");
    let spare = large.iter().sum::<usize>() - small.iter().sum::<usize>();
    assert!(kept > 0 && kept == spare, "{kept} for {spare}");
    // The narrow copies of arguments in f64.
    runner.run(Array2::<f64>::zeros((2, 64))).unwrap();
    assert_eq!(bytes(&runner, "copies on the host"), 2 * 64 * 4);
}
