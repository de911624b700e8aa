//! Steps and runs with a clock: what they compute is what they compute without, and every kernel has its row.

use crate::floats::floats;
use sinew::ndarray::{Array1, Array2, Array3};
use sinew::nn::LstmCell;
use sinew::prelude::*;
use sinew::{Error, Profile};
use std::time::Duration;

#[model]
struct Net {
    hidden: Linear<12, 40>,
    out: Linear<40, 3>,
    seen: State,
}

#[model]
fn scores<B>(m: &Net, x: Tensor<B, 12>) -> Tensor<B, 3> {
    m.out.forward(m.hidden.forward(x).gelu().dropout(0.25))
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, 12>, y: Tensor<i32, B>) -> (Tensor, Tensor<B, 3>) {
    let scores = scores(m, x);
    m.seen = 0.5 * m.seen + scores.mean();
    (cross_entropy(scores, y), scores)
}

fn data() -> (Array2<f64>, Array1<i32>) {
    let x = Array2::from_shape_fn((48, 12), |(i, j)| ((i * 7 + j * 3) % 11) as f64 / 5.0 - 1.0);
    (x, Array1::from_shape_fn(48, |i| ((i * 5) % 3) as i32))
}

fn flat(m: &impl Model) -> Vec<u64> {
    let leaves = m.leaves();
    let numbers = leaves.iter().flat_map(|(_, p)| p.values_f64());
    numbers.map(f64::to_bits).collect()
}

/// The kernels that a text of `explain` has a line of, in order.
fn explained(text: &str) -> Vec<String> {
    let lines = text
        .lines()
        .filter(|line| line.contains(" flop") && line.contains("<-"));
    let names = lines.filter_map(|line| Some(line.trim().split_once(": ")?.0.to_string()));
    names.collect()
}

/// Rows for all kernels, whose times are within that of the steps.
fn whole(profile: &Profile, explain: &str, name: &str) {
    let kernels: Vec<String> = profile.kernels.iter().map(|k| k.kernel.clone()).collect();
    assert_eq!(kernels, explained(explain), "{name}");
    let text = profile.to_string();
    assert_eq!(text.lines().count(), kernels.len() + 4, "{text}");
    for kernel in &profile.kernels {
        assert!(text.contains(&kernel.kernel), "{text}");
        assert!(kernel.kernel.starts_with(kernel.class), "{kernel:?}");
        assert!(kernel.time <= kernel.longest, "{kernel:?}");
    }
    let sum: Duration = profile.kernels.iter().map(|kernel| kernel.time).sum();
    assert!(
        text.lines()
            .last()
            .is_some_and(|line| line.ends_with("total")),
        "{text}"
    );
    assert_eq!(sum.max(profile.total), sum + profile.beside(), "{name}");
    let shares: f64 = profile
        .kernels
        .iter()
        .map(|kernel| profile.share(kernel))
        .sum();
    let beside = profile.beside().as_secs_f64() / profile.total.as_secs_f64();
    assert!(shares + beside > 0.999, "{name}: {shares} and {beside}");
}

#[test]
fn profiled_steps_are_steps() -> sinew::Result<()> {
    let (x, y) = data();
    for (device, precision, _) in floats() {
        for threads in [1, 2] {
            let name = format!("{device:?}, {precision:?}, {threads} threads");
            let build = || {
                let train =
                    loss::train(Net::init(3)).optimizer(AdamW::new(0.01).clip_grad_norm(0.5));
                let train = train.device(device.clone()).precision(precision).seed(5);
                train.threads(threads).least_share(0).build()
            };
            let (mut plain, mut profiled) = (build()?, build()?);
            for _ in 0..2 {
                plain.repeat(3, &x, &y)?;
                let profile = profiled.profile(3, &x, &y)?;
                whole(&profile, &profiled.explain(), &name);
                let on_cpu = device.name() == Device::cpu().name();
                let shared = on_cpu && threads == 2;
                assert_eq!(
                    (profile.times, profile.threads),
                    (3, if shared { 2 } else { 1 })
                );
                // Kernels of a processor follow each other within the step.
                if on_cpu {
                    let sum: Duration = profile.kernels.iter().map(|kernel| kernel.time).sum();
                    assert!(sum <= profile.total, "{name}\n{profile}");
                }
                let update = profile.kernels.iter().filter(|k| k.part == "update");
                assert!(update.count() > 0 && profile.kernels.iter().all(|k| k.runs == 3));
                let lines = profile.kernels.iter().flat_map(|k| &k.values);
                assert!(
                    lines.clone().any(|v| v.contains("tests/profile.rs:")),
                    "{profile}"
                );
            }
            assert_eq!((plain.steps(), profiled.steps()), (6, 6));
            assert_eq!(flat(&plain.model()?), flat(&profiled.model()?), "{name}");
            // What comes after is a step without a clock.
            assert_eq!(plain.step(&x, &y)?, profiled.step(&x, &y)?, "{name}");
        }
    }
    Ok(())
}

#[test]
fn profiled_runs_are_runs() -> sinew::Result<()> {
    let (x, _) = data();
    for (device, precision, _) in floats() {
        let build = || {
            let run = scores::compile(Net::init(3)).device(device.clone());
            run.precision(precision).build()
        };
        let (plain, profiled) = (build()?, build()?.buckets([64])?);
        let name = format!("{device:?}, {precision:?}");
        for _ in 0..3 {
            plain.run(&x)?;
        }
        whole(&profiled.profile(3, &x)?, &profiled.explain(), &name);
        assert_eq!(plain.run_f64(&x)?, profiled.clone().run_f64(&x)?, "{name}");
    }
    Ok(())
}

/// Kernels in loops run as often as these turn.
#[test]
fn turns_add_up() -> sinew::Result<()> {
    #[model]
    struct Reader {
        cell: LstmCell<6, 20>,
    }
    #[model]
    fn reading<T, B>(m: &Reader, x: Tensor<T, B, 6>) -> Tensor {
        let (mut h, mut c) = (zeros([B, 20]), zeros([B, 20]));
        for t in 0..T {
            (h, c) = m.cell.step(x[t], h, c);
        }
        h.square().mean()
    }
    let x = Array3::from_shape_fn((7, 4, 6), |(t, i, j)| {
        ((t + 2 * i + 3 * j) % 5) as f32 / 4.0
    });
    let mut train = reading::train(Reader::init(0))
        .optimizer(Sgd::new(0.1))
        .build()?;
    let profile = train.profile(2, &x)?;
    whole(&profile, &train.explain(), "in loops");
    assert!(profile.kernels.iter().any(|k| k.runs == 14), "{profile}");
    Ok(())
}

#[test]
fn no_steps_have_no_times() -> sinew::Result<()> {
    let (x, y) = data();
    let mut train = loss::train(Net::init(0)).optimizer(Sgd::new(0.1)).build()?;
    let profile = train.profile(0, &x, &y)?;
    assert_eq!((profile.times, train.steps()), (0, 0));
    for kernel in &profile.kernels {
        assert_eq!(
            (kernel.runs, kernel.gflops(), kernel.gigabytes()),
            (0, None, None)
        );
        assert_eq!(kernel.of_machine(&profile.machine), None);
    }
    assert!(profile.machine.flops > 0.0 && profile.machine.bytes > 0.0);
    Ok(())
}

#[test]
fn a_step_that_fails_takes_its_clock_with_it() -> sinew::Result<()> {
    #[model]
    struct Weight {
        #[init(ones)]
        w: Param,
    }
    #[model]
    fn logarithm<N>(m: &Weight, x: Tensor<N>) -> Tensor {
        (m.w * x).log().mean()
    }
    let train = logarithm::train(Weight::init(0)).optimizer(Sgd::new(0.01));
    let mut train = train.check_finite(true).build()?;
    let failed = train.profile(3, [1.0, 0.0]).map(|_| ());
    let error = failed.expect_err("a logarithm of 0");
    assert!(matches!(error, Error::InSteps { number: 1, .. }), "{error}");
    assert_eq!(train.steps(), 0);
    let mut plain = logarithm::train(Weight::init(0))
        .optimizer(Sgd::new(0.01))
        .build()?;
    assert_eq!(train.step([1.0, 2.0])?, plain.step([1.0, 2.0])?);
    Ok(())
}
