//! Functions of several models: what is trained, what is held, what is shared; parts of models that are
//! frozen; results behind a loss.

use crate::floats as support;

use crate::devices::devices;
use ndarray::{Array1, Array2, ArrayD, array};
use sinew::Error;
use sinew::prelude::*;
use std::sync::mpsc;
use std::time::Duration;
use support::{close, floats, points};

#[model]
struct Gen<Z> {
    a: Linear<Z, 4>,
    out: Linear<4, 2>,
}

#[model]
struct Disc {
    a: Linear<2, 5>,
    out: Linear<5, 1>,
}

#[model]
fn sample<B, Z>(g: &Gen<Z>, z: Tensor<B, Z>) -> Tensor<B, 2> {
    g.out.forward(g.a.forward(z).tanh())
}

#[model]
fn score<B>(d: &Disc, x: Tensor<B, 2>) -> Tensor<B> {
    d.out.forward(d.a.forward(x).tanh()).squeeze(-1)
}

#[model]
fn d_loss<B, Z>(d: &Disc, g: &Gen<Z>, z: Tensor<B, Z>, x: Tensor<B, 2>) -> Tensor {
    softplus(-score(d, x)).mean() + softplus(score(d, sample(g, z))).mean()
}

#[model]
fn g_loss<B, Z>(g: &Gen<Z>, d: &Disc, z: Tensor<B, Z>) -> Tensor {
    softplus(-score(d, sample(g, z))).mean()
}

fn generator(seed: u64) -> Gen {
    Gen::init(&GenConfig { Z: 3 }, seed).expect("it is small")
}

fn noise(rows: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, 3), |(i, j)| (1.7 * (3 * i + j) as f64).sin())
}

/// All leaves in f64.
fn leaves(model: &impl Model) -> Vec<(String, ArrayD<f64>)> {
    let mut out = Vec::new();
    model.visit("", &mut |path, p| {
        out.push((path.to_string(), p.values_f64()))
    });
    out
}

/// Each element of `model` moved by `by`, in the order of the leaves.
fn moved<M: Model>(model: &M, element: usize, by: f64) -> M {
    let mut model = model.clone();
    let mut left = Some(element);
    model.visit_mut("", &mut |_, p| {
        let Some(at) = left else { return };
        if at >= p.elements() {
            left = Some(at - p.elements());
            return;
        }
        let mut values: Vec<f64> = p.values_f64().into_iter().collect();
        values[at] += by;
        p.set(values).expect("as many");
        left = None;
    });
    model
}

/// The derivative of `loss` by each element of `model`, by differences.
fn differences<M: Model>(model: &M, loss: impl Fn(&M) -> f64) -> Vec<f64> {
    let count: usize = leaves(model).iter().map(|(_, v)| v.len()).sum();
    let h = 1e-5;
    let slope = |i| (loss(&moved(model, i, h)) - loss(&moved(model, i, -h))) / (2.0 * h);
    (0..count).map(slope).collect()
}

fn flat(model: &impl Model) -> Vec<f64> {
    leaves(model).into_iter().flat_map(|(_, v)| v).collect()
}

/// A descent step of each moves the first model by its differences and leaves the others as they are.
#[test]
fn the_first_model_is_trained_and_the_others_are_held() {
    let (d, g) = (Disc::init(1), generator(2));
    let (z, x) = (noise(6), points(6));
    let kept = d_loss::compile(d.clone(), g.clone())
        .precision(Precision::F64)
        .build();
    let kept = kept.expect("it fits"); // what is compiled for it, the others find
    kept.run_f64(&z, &x).expect("it fits");
    let loss = |d: &Disc| f64_of_d(d, &g, &z, &x);
    let slopes = differences(&d, loss);
    let start = flat(&d);
    for (device, precision, tolerance) in floats() {
        let train = d_loss::train(d.clone(), g.clone()).optimizer(Sgd::new(0.5));
        let mut train = train
            .device(device)
            .precision(precision)
            .build()
            .expect("it fits");
        let step = train.step(&z, &x).expect("it fits");
        let tolerance = tolerance.max(1e-8); // the differences' own
        close("loss", &[step.loss], &[loss(&d)], tolerance);
        close(
            "gradient",
            &flat(&train.gradients().expect("there")),
            &slopes,
            tolerance,
        );
        let (first, held) = train.models().expect("there");
        let expected: Vec<f64> = start
            .iter()
            .zip(&slopes)
            .map(|(p, s)| p - 0.5 * s)
            .collect();
        close("step", &flat(&first), &expected, tolerance);
        assert_eq!(first, train.model().expect("there"));
        assert_eq!(flat(&held), flat(&g), "the generator is held");
    }
}

/// The critic's loss in f64.
fn f64_of_d(d: &Disc, g: &Gen, z: &Array2<f64>, x: &Array2<f64>) -> f64 {
    let run = d_loss::compile(d.clone(), g.clone())
        .precision(Precision::F64)
        .build();
    run.expect("it fits").run_f64(z, x).expect("it fits")
}

/// Two trainers that share both models against two that are given the other's newest parameters by copies.
#[test]
fn each_step_sees_what_the_other_has_left() {
    let (z, x) = (noise(6), points(6));
    for (device, precision, tolerance) in floats() {
        let (d, g) = (Shared::new(Disc::init(1)), Shared::new(generator(2)));
        let rule = || AdamW::new(0.05).weight_decay(0.1).clip_grad_norm(0.3);
        let d_step = d_loss::train(&d, &g).optimizer(rule()).precision(precision);
        let mut d_step = d_step.device(device.clone()).build().expect("it fits");
        // Device and precision are those of what it shares.
        let mut g_step = g_loss::train(&g, &d)
            .optimizer(rule())
            .build()
            .expect("it fits");
        let sampler = sample::attach(&g_step).expect("it fits");
        let (mut alone_d, mut alone_g) = (Disc::init(1), generator(2));
        for _ in 0..3 {
            let found = d_step.step(&z, &x).expect("it fits").loss;
            let expected = f64_of_d(&alone_d, &alone_g, &z, &x);
            close("the critic's loss", &[found], &[expected], 10.0 * tolerance);
            let samples = sampler.run(&z).expect("it fits");
            let model = g.model().expect("there");
            let again = sample(&model, &z).expect("it fits");
            assert!((&samples - &again).iter().all(|d| d.abs() < 1e-5));
            let found = g_step.step(&z).expect("it fits").loss;
            (alone_d, alone_g) = (d.model().expect("there"), model);
            let run = g_loss::compile(alone_g.clone(), alone_d.clone());
            let run = run.precision(Precision::F64).build().expect("it fits");
            let expected = run.run_f64(&z).expect("it fits");
            close(
                "the generator's loss",
                &[found],
                &[expected],
                10.0 * tolerance,
            );
            alone_g = g.model().expect("there");
        }
        assert_ne!(flat(&alone_d), flat(&Disc::init(1)));
        assert_ne!(flat(&alone_g), flat(&generator(2)));
        let (of_d, of_g) = (
            d_step.models().expect("there"),
            g_step.models().expect("there"),
        );
        assert_eq!((of_d.0, of_d.1), (of_g.1, of_g.0));
    }
}

/// A model that is trained in one trainer's layout is trained alike in another's.
#[test]
fn a_shared_model_trains_as_one_of_its_own() {
    let (z, x) = (noise(6), points(6));
    for (device, precision, tolerance) in floats() {
        let rule = || AdamW::new(0.05).weight_decay(0.1).clip_grad_norm(0.3);
        let (d, g) = (Shared::new(Disc::init(1)), Shared::new(generator(2)));
        let build = |train: sinew::TrainBuilder<d_loss>| {
            let train = train
                .optimizer(rule())
                .device(device.clone())
                .precision(precision);
            train.freeze("a.b").build().expect("it fits")
        };
        let mut alone = build(d_loss::train(Disc::init(1), generator(2)));
        // Held at first, so that its leaves lie in the order of their declaration.
        let held = g_loss::train(&g, &d)
            .device(device.clone())
            .precision(precision);
        drop(held.build().expect("it fits"));
        let mut shared = build(d_loss::train(&d, &g));
        for _ in 0..4 {
            let (a, b) = (
                alone.step(&z, &x).expect("fits"),
                shared.step(&z, &x).expect("fits"),
            );
            close("loss", &[a.loss], &[b.loss], tolerance);
            let norms = [a.grad_norm, b.grad_norm].map(|n| n.expect("it clips"));
            close("norm", &norms[..1], &norms[1..], tolerance);
        }
        let found = flat(&d.model().expect("there"));
        close(
            "parameters",
            &found,
            &flat(&alone.model().expect("there")),
            tolerance,
        );
        close(
            "gradients",
            &flat(&shared.gradients().expect("there")),
            &flat(&alone.gradients().expect("there")),
            10.0 * tolerance,
        );
    }
}

#[test]
fn what_shares_a_model_is_where_it_is() {
    let (d, g) = (Shared::new(Disc::init(1)), Shared::new(generator(2)));
    drop(
        d_loss::train(&d, &g)
            .precision(Precision::F64)
            .build()
            .expect("it fits"),
    );
    let error = g_loss::train(&g, &d)
        .precision(Precision::F32)
        .build()
        .map(|_| ());
    let error = error.expect_err("they differ");
    assert!(matches!(error, Error::Elsewhere { .. }));
    assert!(
        error
            .to_string()
            .contains("the CPU in f64, and was asked for on the CPU in f32"),
        "{error}"
    );
    for gpu in devices().into_iter().skip(1) {
        let (d, g) = (Shared::new(Disc::init(1)), Shared::new(generator(2)));
        drop(g_loss::train(&g, &d).build().expect("it fits"));
        let refused = d_loss::train(&d, &g).device(gpu).build().map(|_| ());
        assert!(matches!(refused, Err(Error::Elsewhere { .. })));
    }
    // One that has a place, and one that has not: the second goes where the first is.
    let fresh = Shared::new(generator(3));
    let step = g_loss::train(&fresh, &d).build().expect("it fits");
    assert!(sample::attach(&step).is_ok());
}

#[model]
struct Weights {
    w: Linear<2, 2>,
}

#[model]
fn apart(a: &Weights, b: &Weights, x: Tensor<2>) -> Tensor {
    (a.w.forward(x) - b.w.forward(x)).square().sum()
}

#[test]
fn one_model_is_not_both_trained_and_held() {
    let model = Shared::new(Weights::init(1));
    let error = apart::train(&model, &model)
        .build()
        .map(|_| ())
        .expect_err("one model");
    assert!(error.to_string().contains("`a` and `b` of"), "{error}");
    assert!(matches!(error, Error::SameModel { .. }));
    let refused = apart::compile(&model, model.clone()).build().map(|_| ());
    assert!(matches!(refused, Err(Error::SameModel { .. })));
    // A plain call works on copies.
    let model = Weights::init(1);
    assert_eq!(apart(&model, &model, [1.0, 2.0]).expect("it fits"), 0.0);
    let slopes = apart::gradient(&model, &Weights::init(2), [1.0, 2.0]).expect("it fits");
    let other = Weights::init(2);
    let loss = |m: &Weights| {
        let run = apart::compile(m.clone(), other.clone())
            .precision(Precision::F64)
            .build();
        run.expect("it fits").run_f64([1.0, 2.0]).expect("it fits")
    };
    close("gradient", &flat(&slopes), &differences(&model, loss), 1e-5);
}

/// Each trainer writes what the other reads.
#[test]
fn steps_on_two_threads_come_to_an_end() {
    let (a, b) = (Shared::new(Weights::init(1)), Shared::new(Weights::init(2)));
    let rule = || Sgd::new(1e-3);
    let mut one = apart::train(&a, &b)
        .optimizer(rule())
        .build()
        .expect("it fits");
    let mut two = apart::train(&b, &a)
        .optimizer(rule())
        .build()
        .expect("it fits");
    let (sender, done) = mpsc::channel();
    let run = |mut step: Box<dyn FnMut() -> f64 + Send>| {
        let sender = sender.clone();
        std::thread::spawn(move || {
            let losses: Vec<f64> = (0..2000).map(|_| step()).collect();
            sender
                .send(losses.iter().all(|l| l.is_finite()))
                .expect("it is waited for");
        });
    };
    run(Box::new(move || {
        one.step([1.0, 2.0]).expect("it fits").loss
    }));
    run(Box::new(move || {
        two.step([1.0, 2.0]).expect("it fits").loss
    }));
    for _ in 0..2 {
        let finite = done.recv_timeout(Duration::from_secs(60));
        assert!(finite.expect("it does not wait for ever"));
    }
}

#[test]
fn sizes_that_models_share_must_agree() {
    #[model]
    struct Row<N> {
        w: Linear<N, 1>,
    }
    #[model]
    fn both<N>(a: &Row<N>, b: &Row<N>, x: Tensor<N>) -> Tensor {
        a.w.forward(x).sum() + b.w.forward(x).sum()
    }
    let row = |n| Row::init(&RowConfig { N: n }, 1).expect("it is small");
    let error = both::compile(row(3), row(4)).build().map(|_| ());
    let error = error.expect_err("they differ").to_string();
    assert!(
        error.contains("do not agree in `N`: it is 3 in `a` and 4 in `b`"),
        "{error}"
    );
    assert!(both(&row(3), &row(3), [1.0, 2.0, 3.0]).is_ok());
}

#[test]
fn checkpoints_are_of_one_model() {
    let (d, g) = (Shared::new(Disc::init(1)), Shared::new(generator(2)));
    let mut d_step = d_loss::train(&d, &g)
        .optimizer(Sgd::new(0.1))
        .build()
        .expect("it fits");
    d_step.step(noise(4), points(4)).expect("it fits");
    let file = std::env::temp_dir().join(format!("models-{}.safetensors", std::process::id()));
    d_step.model().expect("there").save(&file).expect("written");
    let loaded = Disc::load(&file).expect("read");
    drop(std::fs::remove_file(&file));
    assert_eq!(loaded, d.model().expect("there"));
    let again = score::compile(loaded).build().expect("it fits");
    let newest = score::attach(&d_step).expect("it fits");
    assert_eq!(
        again.run(points(4)).expect("fits"),
        newest.run(points(4)).expect("fits")
    );
}

/// A layer that counts its calls, and scales by what it is given.
#[model]
struct Counter {
    #[init(ones)]
    scale: Param,
    #[init(zeros)]
    calls: State,
}

#[model]
fn counted(a: &Counter, b: &Counter, x: Tensor<3>) -> Tensor {
    a.calls = a.calls + 1.0;
    b.calls = b.calls + 2.0;
    (a.scale * b.scale * x).log().sum()
}

#[test]
fn a_step_that_is_not_finite_restores_all_models() {
    for (device, precision, _) in floats() {
        let (a, b) = (Shared::new(Counter::init(0)), Shared::new(Counter::init(0)));
        let train = counted::train(&a, &b)
            .optimizer(Sgd::new(0.1))
            .check_finite(true);
        let mut train = train
            .device(device)
            .precision(precision)
            .build()
            .expect("it fits");
        train.step([1.0, 2.0, 3.0]).expect("it is finite");
        let before = train.models().expect("there");
        let calls = |m: &Counter| m.calls.item().expect("a scalar");
        assert_eq!((calls(&before.0), calls(&before.1)), (1.0, 2.0));
        assert_ne!(before.0.scale, before.1.scale);
        let error = train.step([1.0, 0.0, 3.0]).expect_err("log(0)").to_string();
        assert!(error.contains("`log` at tests/models.rs"), "{error}");
        assert_eq!(train.models().expect("there"), before);
        assert_eq!(train.steps(), 1);
        // A run does so too, and leaves parameters as they are.
        let run = counted::attach(&train, &b).expect("it fits");
        assert!(run.run([1.0, 0.0, 3.0]).is_err());
        assert_eq!(run.models().expect("there"), before);
        run.run([1.0, 2.0, 3.0]).expect("it is finite");
        assert_eq!(calls(&b.model().expect("there")), 4.0);
    }
}

#[model]
struct Net {
    encoder: Block,
    head: Linear<4, 1>,
    layers: [Linear<4, 4>; 3],
}

#[model]
struct Block {
    inner: Linear<2, 4>,
    #[init(ones)]
    scale: Param<4>,
}

#[model]
fn net_loss<B>(m: &Net, x: Tensor<B, 2>, y: Tensor<B, 1>) -> Tensor {
    let mut h = (m.encoder.inner.forward(x) * m.encoder.scale).tanh();
    for layer in &m.layers {
        h = layer.forward(h).tanh();
    }
    mse(m.head.forward(h), y)
}

/// Frozen parameters stay bit by bit, others move as they would.
#[test]
fn frozen_parameters_stay() {
    let net = Net::init(5);
    let (x, y) = (points(8), Array2::<f64>::from_elem((8, 1), 0.7));
    let frozen = |path: &str| path.starts_with("encoder.") || path.ends_with(".b");
    for (device, precision, tolerance) in floats() {
        let build = || {
            let train = net_loss::train(net.clone()).optimizer(AdamW::new(0.05).weight_decay(0.5));
            train.device(device.clone()).precision(precision)
        };
        let mut all = build().build().expect("it fits");
        let part = build().freeze("encoder.*").freeze("*.b").build();
        let mut part = part.expect("they match");
        for step in 0..3 {
            all.step(&x, &y).expect("it fits");
            part.step(&x, &y).expect("it fits");
            if step == 0 {
                let pairs = leaves(&all.model().expect("there")).into_iter();
                let pairs = pairs.zip(leaves(&part.model().expect("there")));
                for ((path, expected), (_, found)) in pairs.filter(|((p, _), _)| !frozen(p)) {
                    let (found, expected): (Vec<f64>, Vec<f64>) =
                        (found.into_iter().collect(), expected.into_iter().collect());
                    close(&path, &found, &expected, tolerance);
                }
            }
        }
        let (now, then) = (leaves(&part.model().expect("there")), leaves(&net));
        for ((path, now), (_, then)) in now.iter().zip(&then) {
            assert_eq!(now == then, frozen(path), "{path}");
        }
        let gradients = leaves(&part.gradients().expect("there"));
        for (path, gradient) in gradients {
            let zero = gradient.iter().all(|g| *g == 0.0);
            assert_eq!(zero, frozen(&path), "{path}");
        }
    }
}

/// The arithmetic that the step's kernels do in all, as they are explained.
fn work(explained: &str) -> usize {
    let total = explained.lines().find(|l| l.contains(" kernels: "));
    let flop = total.and_then(|l| l.strip_suffix(" flop")?.rsplit(' ').next());
    flop.and_then(|n| n.parse().ok()).expect("a total")
}

#[test]
fn what_is_frozen_is_not_computed() {
    let (x, y) = (points(8), Array2::<f64>::from_elem((8, 1), 0.7));
    let linked = |train: sinew::TrainBuilder<net_loss>| {
        let mut train = train.build().expect("it fits");
        train.prepare(&x, &y).expect("it fits");
        let text = train.linked().expect("compiled");
        (text.matches(" = dot ").count(), work(&train.explain()))
    };
    let all = linked(net_loss::train(Net::init(5)));
    let head = linked(net_loss::train(Net::init(5)).only("head.*"));
    // Forward: one of the encoder, one in the loop, one of the head; backward one for the head's weights.
    assert_eq!(head.0, 4);
    assert!(all.0 >= 7 && 10 * head.1 < 6 * all.1, "{all:?} {head:?}");
}

#[test]
fn patterns_are_checked() {
    let refused = |train: sinew::TrainBuilder<net_loss>| {
        let error = train.build().map(|_| ()).expect_err("it is refused");
        error.to_string()
    };
    let train = || net_loss::train(Net::init(5));
    let error = refused(train().freeze("encodr.*"));
    let expected = "`encodr.*` matches no parameter; near it: `encoder.inner.w`, `encoder.inner.b`";
    assert!(error.starts_with(expected), "{error}");
    let error = refused(train().only("head"));
    assert!(
        error.starts_with("`head` matches no parameter; near it: `head.w`, `head.b`"),
        "{error}"
    );
    let error = refused(train().freeze("layers.1.*"));
    let expected = "`layers.1.w` cannot be frozen while `layers.0.w` is trained";
    assert!(error.starts_with(expected), "{error}");
    let error = refused(train().freeze("*"));
    assert!(error.starts_with("nothing is left to train"), "{error}");
    let both = train()
        .only("layers.*")
        .freeze("*.b")
        .optimizer(Sgd::new(0.1))
        .build();
    let mut both = both.expect("some is left");
    both.step(points(2), [[0.5], [0.1]]).expect("it fits");
    let changed = |(path, now): (String, ArrayD<f64>)| {
        let (_, then) = leaves(&Net::init(5))
            .into_iter()
            .find(|(p, _)| *p == path)?;
        (now != then).then_some(path)
    };
    let changed: Vec<String> = leaves(&both.model().expect("there"))
        .into_iter()
        .filter_map(changed)
        .collect();
    assert_eq!(changed, ["layers.0.w", "layers.1.w", "layers.2.w"]);
}

#[model]
fn reported<B>(
    m: &Disc,
    x: Tensor<B, 2>,
    y: Tensor<i32, B>,
) -> (Tensor, Tensor<B>, Tensor<bool, B>, Tensor) {
    let scores = score(m, x);
    let right = (scores > 0.0).cast(i32) == y;
    (
        softplus(-scores).mean(),
        scores,
        right,
        right.cast(float).mean(),
    )
}

#[test]
fn results_behind_a_loss_are_reported() {
    let (x, y) = (points(5), array![1, 0, 1, 1, 0]);
    for (device, precision, tolerance) in floats() {
        let model = Disc::init(3);
        let train = reported::train(model.clone())
            .device(device)
            .precision(precision);
        let mut train = train.build().expect("it fits");
        let step = train.step(&x, &y).expect("it fits");
        let (scores, right, share): (Array1<f32>, Array1<bool>, f32) = step.rest;
        let expected = score(&model, &x).expect("it fits");
        assert!((&scores - &expected).iter().all(|d| d.abs() < 1e-5));
        let answers: Vec<bool> = scores
            .iter()
            .zip(&y)
            .map(|(s, y)| (*s > 0.0) == (*y == 1))
            .collect();
        assert_eq!(right.to_vec(), answers);
        let count = answers.iter().filter(|a| **a).count();
        assert_eq!(share, count as f32 / 5.0);
        let wide: Vec<f64> = scores.iter().map(|s| f64::from(*s)).collect();
        let loss = wide.iter().map(|s| (1.0 + (-s).exp()).ln()).sum::<f64>() / 5.0;
        close("loss", &[step.loss], &[loss], tolerance.max(1e-6));
        // The same gradient as without them.
        let slopes = reported::gradient(&model, &x, &y).expect("it fits");
        let loss = |m: &Disc| {
            let run = reported::compile(m.clone())
                .precision(Precision::F64)
                .build();
            run.expect("it fits").run_f64(&x, &y).expect("it fits").0
        };
        close("gradient", &flat(&slopes), &differences(&model, loss), 1e-5);
    }
}

/// Layers in methods, with models beside `self`.
#[model(methods)]
struct Mixer {
    #[init(ones)]
    share: Param,
}

#[model]
impl Mixer {
    fn mixed<B>(&self, a: &Disc, b: &Disc, x: Tensor<B, 2>) -> Tensor<B> {
        self.share * score(a, x) + (1.0 - self.share) * score(b, x)
    }
}

#[test]
fn a_method_takes_other_models() {
    let mut mixer = Mixer::init(0);
    mixer.share.fill(0.25);
    let (a, b) = (Disc::init(1), Disc::init(2));
    let found = mixer.mixed(&a, &b, points(3)).expect("it fits");
    let expected =
        score(&a, points(3)).expect("fits") * 0.25 + score(&b, points(3)).expect("fits") * 0.75;
    assert!((found - expected).iter().all(|d| d.abs() < 1e-6));
}
