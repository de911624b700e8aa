//! Update rules against their formulas written out, groups, rules of one's own, and what is refused.

use crate::devices::devices;
use sinew::ndarray::{Array1, Array2, array};
use sinew::optim::{Descent, Lion, Moment, Muon, RmsProp, Schedule, UpdateRule};
use sinew::prelude::*;

const ROWS: usize = 5;
const COLUMNS: usize = 3;

#[model]
struct Net {
    #[init(normal(1.0))]
    w: Param<ROWS, COLUMNS>,
    #[init(normal(1.0))]
    b: Param<COLUMNS>,
    #[init(ones)]
    scale: Param,
}

#[model]
fn loss<B>(m: &Net, x: Tensor<B, ROWS>, y: Tensor<B, COLUMNS>) -> Tensor {
    mse(m.scale * (matmul(x, m.w) + m.b).tanh(), y)
}

fn data() -> (Array2<f64>, Array2<f64>) {
    let x = Array2::from_shape_fn((4, ROWS), |(i, j)| {
        ((i * 7 + j * 3) % 11) as f64 / 5.0 - 1.0
    });
    let y = Array2::from_shape_fn((4, COLUMNS), |(i, j)| ((i * 5 + j) % 7) as f64 / 3.0 - 1.0);
    (x, y)
}

/// Parameters and gradients of steps, as vectors over `w`, `b` and `scale`.
fn flat(m: &Net) -> Vec<f64> {
    let mut out = Vec::new();
    m.visit("", &mut |_, p| out.extend(p.values_f64()));
    out
}

/// Takes steps, and compares each with what `rule` makes of the parameters before it and the gradient.
fn follow(
    build: impl Fn(sinew::TrainBuilder<loss>) -> sinew::TrainBuilder<loss>,
    mut rule: impl FnMut(usize, &[f64], &[f64]) -> Vec<f64>,
) -> sinew::Result<()> {
    let (x, y) = data();
    let train = build(loss::train(Net::init(3))).precision(Precision::F64);
    let mut train = train.build()?;
    for step in 1..=5 {
        let before = flat(&train.model()?);
        train.step(&x, &y)?;
        let expected = rule(step, &before, &flat(&train.gradients()?));
        for (found, expected) in flat(&train.model()?).iter().zip(expected) {
            let error = (found - expected).abs() / expected.abs().max(1.0);
            assert!(error < 1e-12, "step {step}: {found} for {expected}");
        }
    }
    Ok(())
}

const SIZE: usize = ROWS * COLUMNS + COLUMNS + 1;

#[test]
fn centred_rms_prop_with_momentum_and_decay() -> sinew::Result<()> {
    let (mut v, mut mean, mut b) = ([0.0; SIZE], [0.0; SIZE], [0.0; SIZE]);
    let rule = RmsProp::new(0.01).alpha(0.8).epsilon(1e-4);
    let rule = rule.momentum(0.7).centered(true).weight_decay(0.1);
    follow(
        |train| train.optimizer(rule.clone()),
        |_, p, g| {
            let new = |i: usize| {
                let g = g[i] + 0.1 * p[i];
                v[i] = 0.8 * v[i] + 0.2 * g * g;
                mean[i] = 0.8 * mean[i] + 0.2 * g;
                b[i] = 0.7 * b[i] + g / ((v[i] - mean[i] * mean[i]).sqrt() + 1e-4);
                p[i] - 0.01 * b[i]
            };
            (0..SIZE).map(new).collect()
        },
    )
}

#[test]
fn lion_moves_by_signs() -> sinew::Result<()> {
    let mut m = [0.0; SIZE];
    follow(
        |train| train.optimizer(Lion::new(0.01).betas(0.6, 0.9).weight_decay(0.2)),
        |_, p, g| {
            let new = |i: usize| {
                let direction: f64 = 0.6 * m[i] + 0.4 * g[i];
                m[i] = 0.9 * m[i] + 0.1 * g[i];
                p[i] * (1.0 - 0.01 * 0.2) - 0.01 * direction.signum()
            };
            (0..SIZE).map(new).collect()
        },
    )
}

/// Newton and Schulz's iterations as the authors write them, on the matrix with fewer rows than columns.
fn orthogonal(x: &Array2<f64>) -> Array2<f64> {
    if x.nrows() > x.ncols() {
        return orthogonal(&x.t().to_owned()).reversed_axes();
    }
    let mut x = x / (x.iter().map(|v| v * v).sum::<f64>().sqrt() + 1e-7);
    for _ in 0..5 {
        let s = x.dot(&x.t());
        x = 3.4445 * &x + (-4.7750 * &s + 2.0315 * s.dot(&s)).dot(&x);
    }
    x
}

#[test]
fn muon_for_matrices_and_another_rule_for_the_others() -> sinew::Result<()> {
    let mut v = Array2::<f64>::zeros((ROWS, COLUMNS));
    let plain = Sgd::new(0.0).rule;
    follow(
        |train| {
            let train = train.optimizer(Muon::new(0.02).weight_decay(0.1));
            train
                .group("b", |g| g.rule(plain.clone()).learning_rate_scale(5.0))
                .group("scale", |g| g.rule(plain.clone()))
        },
        |_, p, g| {
            let (matrix, others) = g.split_at(ROWS * COLUMNS);
            let matrix = Array2::from_shape_vec((ROWS, COLUMNS), matrix.to_vec()).expect("whole");
            v = 0.95 * &v + &matrix;
            let direction = orthogonal(&(matrix + 0.95 * &v));
            let long = (ROWS as f64 / COLUMNS as f64).sqrt();
            let moved = p.iter().zip(&direction);
            let moved = moved.map(|(p, d)| p * (1.0 - 0.02 * 0.1) - 0.02 * long * d);
            let rates = [0.1, 0.1, 0.1, 0.02];
            let rest = p[ROWS * COLUMNS..].iter().zip(others).zip(rates);
            moved
                .chain(rest.map(|((p, g), rate)| p - rate * g))
                .collect()
        },
    )
}

#[test]
fn groups_have_their_own_decay_and_rate() -> sinew::Result<()> {
    follow(
        |train| {
            train
                .optimizer(Sgd::new(0.1).weight_decay(0.5))
                .group("*", |g| g.weight_decay(0.25))
                .group("b", |g| g.weight_decay(0.0).learning_rate_scale(0.1))
        },
        |_, p, g| {
            let new = |i: usize| match i {
                15..18 => p[i] - 0.01 * g[i],
                _ => p[i] - 0.1 * (g[i] + 0.25 * p[i]),
            };
            (0..SIZE).map(new).collect()
        },
    )
}

#[test]
fn elements_are_clipped_before_the_norm() -> sinew::Result<()> {
    follow(
        |train| train.optimizer(Sgd::new(0.5).clip_grad_value(0.05).clip_grad_norm(0.1)),
        |_, p, g| {
            let clipped: Vec<f64> = g.iter().map(|g| g.clamp(-0.05, 0.05)).collect();
            let norm = clipped.iter().map(|g| g * g).sum::<f64>().sqrt();
            let scale = (0.1 / (norm + 1e-6)).min(1.0);
            let moved = p.iter().zip(&clipped);
            moved.map(|(p, g)| p - 0.5 * scale * g).collect()
        },
    )
}

#[test]
fn a_schedule_multiplies_the_rate_that_is_set() -> sinew::Result<()> {
    let (x, y) = data();
    let schedule = Schedule::multi_step(0.5, [2]);
    let train = loss::train(Net::init(3)).optimizer(Sgd::new(0.1));
    let mut train = train.schedule(schedule).build()?;
    let mut rates = Vec::new();
    for step in 0..4 {
        if step == 3 {
            train.set_learning_rate(0.4)?;
        }
        rates.push(train.learning_rate());
        let before = train.model()?.scale.item()?;
        train.step(&x, &y)?;
        let moved = before - train.model()?.scale.item()?;
        let expected = rates[step] * train.gradients()?.scale.item()?;
        assert!((moved - expected).abs() <= 1e-6, "{moved} for {expected}");
    }
    assert_eq!(rates, [0.1, 0.1, 0.05, 0.2]);
    assert_eq!(train.cache_stats().compiles + train.cache_stats().shared, 1);
    Ok(())
}

#[test]
fn a_rate_that_is_none_is_refused_and_nothing_is_lost() -> sinew::Result<()> {
    let (x, y) = data();
    let schedule = Schedule::new(|step| if step == 1 { f64::NAN } else { 1.0 });
    let train = loss::train(Net::init(3)).optimizer(Sgd::new(0.1));
    let mut train = train.schedule(schedule).build()?;
    train.step(&x, &y)?;
    let before = train.model()?;
    let error = train.step(&x, &y).expect_err("no rate").to_string();
    assert!(error.contains("learning rate is NaN"), "{error}");
    assert_eq!((train.model()?, train.steps()), (before, 1));
    Ok(())
}

/// Each parameter moves by the rate along its gradient, whose norm is made 1: no rule of single elements.
#[model]
struct Normed {
    power: f64,
}

#[model]
fn normed<S>(rule: &Normed, p: Tensor<[S]>, g: Tensor<[S]>, rate: Tensor) -> Tensor<[S]> {
    let norm = g.square().sum().sqrt() + 1e-12;
    p - rate * g / norm * rule.power
}

impl UpdateRule for Normed {
    type Update = normed;
}

#[model]
struct Layer {
    #[init(normal(1.0))]
    w: Param<2, 2>,
}

#[model]
struct Deep<Layers> {
    layers: [Layer; Layers],
    #[init(ones)]
    b: Param<2>,
}

#[model]
fn deep_loss<B, Layers>(m: &Deep<Layers>, x: Tensor<B, 2>) -> Tensor {
    let mut x = x;
    for layer in &m.layers {
        x = matmul(x, layer.w).tanh() + m.b;
    }
    x.square().mean()
}

/// On every device, repeated children each with the norm of their own.
#[test]
fn a_rule_of_whole_parameters_has_each_child_for_itself() -> sinew::Result<()> {
    for device in devices() {
        let model = Deep::init(&DeepConfig { Layers: 3 }, 1)?;
        let rule = Descent::by(Normed { power: 1.0 }, 0.1);
        let train = deep_loss::train(model.clone()).optimizer(rule);
        let mut train = train.device(device).build()?;
        train.step([[0.5, -1.0], [1.0, 2.0]])?;
        let (after, gradients) = (train.model()?, train.gradients()?);
        let moved = |before: &Param, after: &Param, g: &Param| {
            let g = g.values_f64();
            let norm = g.iter().map(|g| g * g).sum::<f64>().sqrt();
            let (before, after) = (before.values_f64(), after.values_f64());
            for ((b, a), g) in before.iter().zip(&after).zip(&g) {
                let expected = b - 0.1 * g / norm;
                assert!((a - expected).abs() < 1e-5, "{a} for {expected}");
            }
        };
        for ((before, after), g) in model
            .layers
            .iter()
            .zip(&after.layers)
            .zip(&gradients.layers)
        {
            moved(&before.w, &after.w, &g.w);
        }
        moved(&model.b, &after.b, &gradients.b);
    }
    Ok(())
}

#[test]
fn what_a_rule_neither_reads_nor_changes_takes_no_memory() -> sinew::Result<()> {
    let kept = |optimizer: Sgd| -> sinew::Result<bool> {
        let (x, y) = data();
        let mut train = loss::train(Net::init(3)).optimizer(optimizer).build()?;
        train.step(&x, &y)?;
        Ok(train.memory()?.contains("momentum"))
    };
    assert!(kept(Sgd::new(0.1).momentum(0.5))?);
    assert!(!kept(Sgd::new(0.1))?);
    Ok(())
}

/// What building a trainer with an optimizer or a group says.
fn refused(build: impl FnOnce(sinew::TrainBuilder<loss>) -> sinew::TrainBuilder<loss>) -> String {
    match build(loss::train(Net::init(3))).build() {
        Ok(_) => "nothing".to_string(),
        Err(error) => error.to_string(),
    }
}

macro_rules! rules {
    ($($rule:ident $update:ident ($me:ident $(, $parameter:ident: $ty:ty)*) $body:block)*) => {$(
        #[model]
        struct $rule {
            by: f64,
        }

        #[model]
        fn $update<S>($me: &$rule, $($parameter: $ty),*) -> Tensor<[S]> $body

        impl UpdateRule for $rule {
            type Update = $update;
        }
    )*};
}
rules! {
    Lone lone(rule, p: Tensor<[S]>) { p * rule.by }
    Mixed mixed(rule, p: Tensor<[S]>, g: Tensor<[S], 2>) { p * rule.by + g.sum(-1) }
    Told told(rule, p: Tensor<[S]>, g: Tensor<[S]>, speed: Tensor) { p - speed * g * rule.by }
    Still still(rule, p: Tensor<[S]>, g: Tensor<[S]>) { p - rule.by * g }
    Drawn drawn(rule, p: Tensor<[S]>, g: Tensor<[S]>) { p - rule.by * g.dropout(0.5) }
}

#[test]
fn functions_that_are_no_updates_are_refused() {
    let lone = refused(|train| train.optimizer(Descent::by(Lone { by: 1.0 }, 0.1)));
    assert!(
        lone.contains("lone` is no update of a parameter: it takes 1 tensors"),
        "{lone}"
    );
    let mixed = refused(|train| train.optimizer(Descent::by(Mixed { by: 1.0 }, 0.1)));
    assert!(
        mixed.contains("`p` is Tensor<[S]>, and `g` is Tensor<[S], 2>: both have"),
        "{mixed}"
    );
    let told = refused(|train| train.optimizer(Descent::by(Told { by: 1.0 }, 0.1)));
    assert!(
        told.contains("a number `speed`, which the rule's `number` does not know"),
        "{told}"
    );
    let drawn = refused(|train| train.optimizer(Descent::by(Drawn { by: 1.0 }, 0.1)));
    assert!(drawn.contains("it draws random numbers"), "{drawn}");
    let muon = refused(|train| train.optimizer(Muon::new(0.1)));
    assert!(
        muon.contains("that are Tensor<R, C>, and `b` is (3,)") && muon.contains(".group(\"b\""),
        "{muon}"
    );
}

#[test]
fn groups_that_cannot_be_are_refused() -> sinew::Result<()> {
    let nowhere = refused(|train| train.group("wide.*", |g| g.weight_decay(0.0)));
    assert!(
        nowhere.starts_with("`wide.*` matches no parameter"),
        "{nowhere}"
    );
    let rule = Descent::by(Normed { power: 1.0 }, 0.1);
    let decay = refused(|train| train.optimizer(rule).group("b", |g| g.weight_decay(0.1)));
    assert!(decay.contains("normed` has no weight decay"), "{decay}");
    let scale = refused(|train| train.group("b", |g| g.learning_rate_scale(-1.0)));
    assert!(scale.contains("learning rate scale is -1.0"), "{scale}");
    let train = deep_loss::train(Deep::init(&DeepConfig { Layers: 2 }, 0)?);
    let train = train.group("layers.1.*", |g| g.learning_rate_scale(0.5));
    let part = train
        .build()
        .map(|_| ())
        .expect_err("one parameter")
        .to_string();
    assert!(
        part.contains("`layers.0.w` and `layers.1.w` cannot be in two groups"),
        "{part}"
    );
    Ok(())
}

/// Parameters of a shared model lie where the first trainer put them: groups are runs among these.
#[test]
fn groups_of_a_shared_model() -> sinew::Result<()> {
    let (x, y) = data();
    let shared = Shared::new(Net::init(3));
    let mut plain = loss::train(&shared).optimizer(Sgd::new(0.0)).build()?;
    plain.step(&x, &y)?;
    let before = shared.model()?;
    let rule = Adam::new(0.01).epsilon(1e-9);
    let train = loss::train(&shared).optimizer(rule);
    let mut train = train.group("b", |g| g.learning_rate_scale(10.0)).build()?;
    train.step(&x, &y)?;
    let after = shared.model()?;
    let moved = |a: &Param, b: &Param| {
        let difference = |(a, b): (&f64, &f64)| (a - b).abs();
        Array1::from_iter(a.values_f64().iter().zip(&b.values_f64()).map(difference))
    };
    // The first step of Adam is the rate.
    assert!(
        (moved(&before.b, &after.b) - array![0.1, 0.1, 0.1])
            .iter()
            .all(|d| d.abs() < 1e-5)
    );
    assert!(
        moved(&before.w, &after.w)
            .iter()
            .all(|d| (d - 0.01).abs() < 1e-6)
    );
    Ok(())
}

/// A rule learns when it is.
#[model]
struct Slowing {
    by: f64,
}

#[model]
fn slowing<S>(rule: &Slowing, p: Tensor<[S]>, g: Tensor<[S]>, size: Tensor) -> Tensor<[S]> {
    p - size * rule.by * g
}

impl UpdateRule for Slowing {
    type Update = slowing;

    fn number(&self, name: &str, at: Moment) -> Option<f64> {
        (name == "size").then_some(at.rate / at.step as f64)
    }
}

#[test]
fn rules_are_told_the_step() -> sinew::Result<()> {
    follow(
        |train| train.optimizer(Descent::by(Slowing { by: 2.0 }, 0.1)),
        |step, p, g| {
            let size = 0.1 / step as f64;
            let moved = p.iter().zip(g);
            moved.map(|(p, g)| p - size * 2.0 * g).collect()
        },
    )
}

/// With nothing told in a step, on every device.
#[test]
fn a_rule_may_take_no_numbers() -> sinew::Result<()> {
    let (x, y) = data();
    for device in devices() {
        let train = loss::train(Net::init(3)).optimizer(Descent::by(Still { by: 0.5 }, 0.0));
        let mut train = train.device(device).build()?;
        let before = train.model()?.scale.item()?;
        train.step(&x, &y)?;
        let expected = before - 0.5 * train.gradients()?.scale.item()?;
        assert!((train.model()?.scale.item()? - expected).abs() < 1e-6);
    }
    Ok(())
}

/// A state that a rule changes for some sizes only.
#[model]
struct Wide {
    by: f64,
}

#[model]
fn wide<R, C>(
    rule: &Wide,
    p: Tensor<R, C>,
    g: Tensor<R, C>,
    sum: Tensor<R, C>,
    rate: Tensor,
) -> (Tensor<R, C>, Tensor<R, C>) {
    let sum = if R > C { sum + rule.by * g } else { sum };
    let direction = if R > C { sum } else { g };
    (p - rate * direction, sum)
}

impl UpdateRule for Wide {
    type Update = wide;
}

#[test]
fn a_rule_that_chooses_by_size_keeps_its_states() -> sinew::Result<()> {
    let mut sum = [0.0; ROWS * COLUMNS];
    let plain = Sgd::new(0.0).rule;
    follow(
        |train| {
            let train = train.optimizer(Descent::by(Wide { by: 2.0 }, 0.1));
            let train = train.group("b", |g| g.rule(plain.clone()));
            train.group("scale", |g| g.rule(plain.clone()))
        },
        |_, p, g| {
            let new = |i: usize| match i < ROWS * COLUMNS {
                true => {
                    sum[i] += 2.0 * g[i];
                    p[i] - 0.1 * sum[i]
                }
                false => p[i] - 0.1 * g[i],
            };
            (0..SIZE).map(new).collect()
        },
    )
}
