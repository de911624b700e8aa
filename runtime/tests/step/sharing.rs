//! Parameters shared by trainers and runners.

use crate::support::{Logits, Relu, attach, build, digits};
use ndarray::s;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};

use sinew::optim::Adam;
use sinew_runtime::{Compile, Model, Precision, call, gradient};

#[test]
fn a_runner_follows_its_trainer() {
    let (x, y) = digits();
    let (x, y) = (x.slice(s![..32, ..]), y.slice(s![..32]));
    let mut trainer = build::<Relu>(Adam::new(0.01), Precision::F32);
    let runner = attach::<Logits>(&trainer).unwrap();
    let before = runner.run(x).unwrap();
    assert_eq!(before.dim(), (32, 10));
    trainer.step(x, y).unwrap();
    let after = runner.run(x).unwrap();
    assert_ne!(before, after);
    let alone = Compile::<Logits>::new((sinew_runtime::Shared::new(trainer.model().unwrap()),))
        .build()
        .unwrap();
    assert_eq!(alone.run(x).unwrap(), after);
}

/// Steps and runs side by side: the trainer waits now and then until runs have been between its steps,
/// so that neither thread is done before the other starts.
#[test]
fn a_runner_on_another_thread_sees_whole_steps() {
    const STEPS: usize = 200;
    let (x, y) = digits();
    let (x, y) = (x.slice(s![..32, ..]), y.slice(s![..32]));
    let mut trainer = build::<Relu>(Adam::new(0.01), Precision::F64);
    let runner = attach::<Logits>(&trainer).unwrap();
    // What the parameters give after each step.
    let mut seen = vec![runner.run_f64(x).unwrap()];
    let mut twin = build::<Relu>(Adam::new(0.01), Precision::F64);
    let twin_runner = attach::<Logits>(&twin).unwrap();
    for _ in 0..STEPS {
        twin.step(x, y).unwrap();
        seen.push(twin_runner.run_f64(x).unwrap());
    }
    let (start, runs) = (Barrier::new(2), AtomicUsize::new(0));
    let mut found = Vec::new();
    std::thread::scope(|threads| {
        let reader = threads.spawn(|| {
            start.wait();
            loop {
                let now = runner.run_f64(x).unwrap();
                runs.fetch_add(1, Ordering::SeqCst);
                let step = seen.iter().position(|s| *s == now);
                found.push(step.expect("parameters of before or after a step"));
                if step == Some(STEPS) {
                    break;
                }
            }
        });
        start.wait();
        for step in 0..STEPS {
            trainer.step(x, y).unwrap();
            let before = runs.load(Ordering::SeqCst);
            while step % 20 == 0
                && runs.load(Ordering::SeqCst) < before + 2
                && !reader.is_finished()
            {
                std::thread::yield_now();
            }
        }
        reader.join().unwrap();
    });
    assert!(found.is_sorted(), "a runner went back in time: {found:?}");
    found.dedup();
    assert!(found.len() > STEPS / 20, "no runs between steps: {found:?}");
}

#[test]
fn a_plain_call_uses_the_model_it_gets() {
    let (x, y) = digits();
    let (x, y) = (x.slice(s![..32, ..]), y.slice(s![..32]));
    let mut trainer = build::<Relu>(Adam::new(0.01), Precision::F32);
    for _ in 0..3 {
        let model = trainer.model().unwrap();
        let expected = trainer.step(x, y).unwrap().loss;
        let loss = call::<Relu>((&model,), (x, y)).unwrap();
        assert!(
            (f64::from(loss) - expected).abs() < 1e-6 * expected,
            "{loss} for {expected}"
        );
        let gradients = gradient::<Relu>((&model,), (x, y)).unwrap();
        let mut pairs = Vec::new();
        gradients.visit("", &mut |_, g| pairs.push(g.values()));
        let mut at = 0;
        trainer.gradients().unwrap().visit("", &mut |path, g| {
            let difference = (&g.values() - &pairs[at]).mapv(f32::abs);
            assert!(difference.iter().all(|d| *d < 1e-6), "{path}");
            at += 1;
        });
    }
}

#[test]
fn objects_can_move_to_other_threads() {
    fn is_send<T: Send>(_: &T) {}
    let trainer = build::<Relu>(Adam::new(0.01), Precision::F32);
    is_send(&trainer);
    is_send(&attach::<Logits>(&trainer).unwrap());
}
