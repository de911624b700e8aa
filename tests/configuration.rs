//! Configuration: fields of plain type, sizes from a file, and choices that are made by them.

use crate::devices::devices;
use sinew::prelude::*;

#[model]
mod net {
    use sinew::prelude::*;

    /// A layer with everything that a field of plain type can be.
    pub struct Layer<D> {
        #[init(ones)]
        pub scale: Param<D>,
        /// By how much the result is scaled.
        pub gain: f32,
        pub heads: usize,
        #[default(false)]
        pub gated: bool,
        #[default(0.5)]
        pub shift: f64,
    }

    impl<D> Layer<D> {
        pub fn forward<B>(&self, x: Tensor<B, D>) -> Tensor<B, D> {
            let y = if self.gated {
                x.sigmoid() * x
            } else {
                x * self.scale
            };
            let y = self.gain * y + self.shift;
            let heads = ones([B, 2 * self.heads]).sum(1, keepdims = true) - self.heads;
            match self.heads {
                1 => y * heads,
                2 | 3 => y * heads * 2.0,
                _ => y * heads * 3.0,
            }
        }
    }

    /// Its layers get what they are from it.
    pub struct Net<Width, QKLayers> {
        pub layers: [Layer<Width>; QKLayers],
        pub gain: f32,
        pub heads: usize,
        pub gated: bool,
    }

    pub fn run<B, Width, QKLayers>(
        m: &Net<Width, QKLayers>,
        x: Tensor<B, Width>,
    ) -> Tensor<B, Width> {
        let mut x = x;
        for layer in &m.layers {
            x = layer.forward(x);
        }
        x
    }

    pub fn loss<B, Width, QKLayers>(m: &Net<Width, QKLayers>, x: Tensor<B, Width>) -> Tensor {
        run(m, x).square().sum()
    }

    /// A layer alone, whose configuration is its own.
    pub fn one<B, D>(m: &Layer<D>, x: Tensor<B, D>) -> Tensor<B, D> {
        m.forward(x)
    }

    /// What a choice assigns, in arms that assign other things.
    pub fn assigned<N, Width, QKLayers>(
        m: &Net<Width, QKLayers>,
        x: Tensor<N>,
    ) -> (Tensor<N>, Tensor) {
        let mut y = x;
        let mut count = 0.0;
        if m.gated && N > 2 {
            y = y * 2.0;
            count += 1.0;
        } else if m.gain < 0.75 || !(m.heads == 2) {
            y = y - 1.0;
        }
        for t in 0..N {
            if m.gated {
                count += x[t];
            }
        }
        (y, count)
    }
}

use net::{Layer, LayerConfig, Net, NetConfig, assigned, loss, one, run};

/// What `Layer::forward` does to a number.
fn layer(x: f32, gain: f32, heads: usize, gated: bool) -> f32 {
    let y = if gated { x / (1.0 + (-x).exp()) } else { x };
    let by = match heads {
        1 => 1.0,
        2 | 3 => 2.0,
        _ => 3.0,
    };
    (gain * y + 0.5) * by * heads as f32
}

fn close(found: impl IntoIterator<Item = f32>, expected: &[f32]) {
    let found: Vec<f32> = found.into_iter().collect();
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        assert!(
            (f - e).abs() <= 1e-5 * e.abs().max(1.0),
            "{found:?} {expected:?}"
        );
    }
}

#[test]
fn a_file_configures_a_model() -> sinew::Result<()> {
    let text = r#"{ "width": 4, "qk_layers": 3, "gain": 0.1, "heads": 2, "gated": true }"#;
    let config: NetConfig = serde_json::from_str(text).expect("it is whole");
    assert_eq!((config.Width, config.QKLayers, config.gain), (4, 3, 0.1));
    let again = serde_json::to_string(&config).expect("numbers");
    assert_eq!(
        serde_json::from_str::<NetConfig>(&again).expect("its own"),
        config
    );

    let wrong = [
        (
            r#"{ "width": 4, "gain": 0.1, "heads": 2, "gated": true }"#,
            "missing field `QKLayers`",
        ),
        (r#"{ "width": 4, "depth": 3 }"#, "unknown field `depth`"),
    ];
    for (text, message) in wrong {
        let error = serde_json::from_str::<NetConfig>(text).expect_err("it is not whole");
        assert!(error.to_string().contains(message), "{error}");
    }

    // What has a default may be left out.
    let layer: LayerConfig =
        serde_json::from_str(r#"{"d": 2, "gain": 1, "heads": 1}"#).expect("whole");
    assert_eq!((layer.D, layer.gated, layer.shift), (2, false, 0.5));
    Ok(())
}

#[test]
fn children_get_theirs_from_what_is_around_them() -> sinew::Result<()> {
    for (heads, gated) in [(1, false), (2, true), (4, false)] {
        let config = NetConfig {
            Width: 4,
            QKLayers: 2,
            gain: 0.25,
            heads,
            gated,
        };
        let model = Net::init(&config, 1)?;
        assert_eq!(
            (model.layers[1].heads, model.layers[1].gated),
            (heads, gated)
        );
        assert_eq!((model.layers[0].gain, model.layers[0].shift), (0.25, 0.5));
        let x = [[1.0f32, -2.0, 0.5, 3.0]];
        let twice = |x: f32| layer(layer(x, 0.25, heads, gated), 0.25, heads, gated);
        let expected = x[0].map(twice);
        for device in devices() {
            let runner = run::compile(model.clone()).device(device).build()?;
            close(runner.run(x)?, &expected);
        }
        close(run(&model, x)?, &expected);
    }
    Ok(())
}

#[test]
fn a_value_is_changed_in_the_model() -> sinew::Result<()> {
    let config = LayerConfig {
        D: 2,
        gain: 2.0,
        heads: 1,
        gated: false,
        shift: 0.0,
    };
    let mut model = Layer::init(&config, 0)?;
    assert_eq!(
        one(&model, [[1.0, 2.0]])?.into_raw_vec_and_offset().0,
        [2.0, 4.0]
    );
    model.gain = 3.0;
    model.heads = 2;
    assert_eq!(
        one(&model, [[1.0, 2.0]])?.into_raw_vec_and_offset().0,
        [12.0, 24.0]
    );
    Ok(())
}

#[test]
fn training_chooses_by_configuration() -> sinew::Result<()> {
    for gated in [false, true] {
        let config = NetConfig {
            Width: 2,
            QKLayers: 1,
            gain: 1.0,
            heads: 1,
            gated,
        };
        for device in devices() {
            let train = loss::train(Net::init(&config, 0)?).optimizer(Sgd::new(0.0));
            let mut train = train.device(device).build()?;
            let step = train.step([[1.0, -2.0]])?;
            let y = [1.0, -2.0].map(|x| layer(x, 1.0, 1, gated));
            close([step.loss as f32], &[y[0] * y[0] + y[1] * y[1]]);
            // Where a gate takes its place, nothing depends on the scale.
            let slope = train.gradients()?.layers[0].scale.values();
            let expected = match gated {
                true => [0.0, 0.0],
                false => [2.0 * y[0] * 1.0, 2.0 * y[1] * -2.0],
            };
            close(slope, &expected);
        }
    }
    Ok(())
}

#[test]
fn choices_assign() -> sinew::Result<()> {
    let config = |gated, gain, heads| NetConfig {
        Width: 2,
        QKLayers: 1,
        gain,
        heads,
        gated,
    };
    let model = |gated, gain, heads| Net::init(&config(gated, gain, heads), 0);
    let x = [1.0f32, 2.0, 3.0];
    let (y, count) = assigned(&model(true, 1.0, 2)?, x)?;
    assert_eq!((y.to_vec(), count), (vec![2.0, 4.0, 6.0], 7.0));
    let (y, count) = assigned(&model(true, 0.5, 2)?, [1.0, 2.0])?;
    assert_eq!((y.to_vec(), count), (vec![0.0, 1.0], 3.0));
    let (y, count) = assigned(&model(false, 1.0, 2)?, x)?;
    assert_eq!((y.to_vec(), count), (x.to_vec(), 0.0));
    let (y, _) = assigned(&model(false, 1.0, 1)?, x)?;
    assert_eq!(y.to_vec(), [0.0, 1.0, 2.0]);
    Ok(())
}

#[test]
fn children_that_differ_are_told() -> sinew::Result<()> {
    let config = NetConfig {
        Width: 2,
        QKLayers: 3,
        gain: 1.0,
        heads: 1,
        gated: false,
    };
    let mut model = Net::init(&config, 0)?;
    model.layers[2].gain = 4.0;
    let error = run(&model, [[1.0, 2.0]]).expect_err("the children differ");
    let message =
        "`layers.0.gain` is 1, and `layers.2.gain` is 4: repeated children are configured alike";
    assert_eq!(error.to_string(), message);
    Ok(())
}

#[model]
mod enums {
    use sinew::prelude::*;

    /// What is applied to each element.
    #[derive(Default)]
    pub enum Activation {
        #[default]
        Relu,
        Tanh,
        /// The one without a bend.
        SoftSign,
    }

    impl Activation {
        pub fn apply<S>(&self, x: Tensor<[S]>) -> Tensor<[S]> {
            match self {
                Self::Relu => x.relu(),
                Activation::Tanh => x.tanh(),
                Activation::SoftSign => x / (1.0 + x.abs()),
            }
        }
    }

    pub enum Norm {
        None,
        Mean,
    }

    pub struct Dense<I, O> {
        #[init(constant(0.5))]
        pub w: Param<I, O>,
        #[default(Tanh)]
        pub activation: Activation,
        #[default(Norm::None)]
        pub norm: Norm,
    }

    impl<I, O> Dense<I, O> {
        pub fn forward<B>(&self, x: Tensor<B, I>) -> Tensor<B, O> {
            use_norm(self, matmul(x, self.w))
        }
    }

    pub fn use_norm<I, O, S>(m: &Dense<I, O>, x: Tensor<[S], O>) -> Tensor<[S], O> {
        let x = m.activation.apply(x);
        if m.norm == Norm::Mean {
            x - x.mean(-1, keepdims = true)
        } else {
            x
        }
    }

    pub struct Stack<D, L> {
        pub layers: [Dense<D, D>; L],
        pub last: Dense<D, 1>,
        pub activation: Activation,
    }

    pub fn stacked<B, D, L>(m: &Stack<D, L>, x: Tensor<B, D>) -> Tensor<B, 1> {
        let mut x = x;
        for layer in &m.layers {
            x = layer.forward(x);
        }
        m.last.forward(x)
    }

    pub fn stacked_loss<B, D, L>(m: &Stack<D, L>, x: Tensor<B, D>) -> Tensor {
        stacked(m, x).square().sum()
    }

    /// One arm for two variants, and what is left.
    pub fn kinds<N>(a: &Activation, x: Tensor<N>) -> Tensor<N> {
        let sign = if *a != Activation::Tanh { 1.0 } else { -1.0 };
        match a {
            Activation::Relu | Activation::Tanh => x * sign,
            _ => x * 10.0,
        }
    }
}

use enums::{Activation, Norm, Stack, StackConfig, kinds, stacked, stacked_loss};

fn activated(a: Activation, x: f32) -> f32 {
    match a {
        Activation::Relu => x.max(0.0),
        Activation::Tanh => x.tanh(),
        Activation::SoftSign => x / (1.0 + x.abs()),
    }
}

#[test]
fn an_enum_is_read_by_the_names_of_its_variants() -> sinew::Result<()> {
    for text in ["SoftSign", "soft_sign"] {
        let text = format!(r#"{{ "d": 2, "l": 1, "activation": "{text}" }}"#);
        let config: StackConfig = serde_json::from_str(&text).expect("it is whole");
        assert_eq!(config.activation, Activation::SoftSign);
        let again = serde_json::to_string(&config).expect("names");
        assert_eq!(again, r#"{"D":2,"L":1,"activation":"SoftSign"}"#);
    }
    let text = r#"{ "d": 2, "l": 1, "activation": "Gelu" }"#;
    let error = serde_json::from_str::<StackConfig>(text).expect_err("there is none");
    let message = "unknown variant `Gelu`, expected one of `Relu`, `Tanh`, `SoftSign`";
    assert!(error.to_string().starts_with(message), "{error}");
    assert_eq!(Activation::default(), Activation::Relu);
    Ok(())
}

#[test]
fn variants_are_chosen_in_children_and_loops() -> sinew::Result<()> {
    let x = [[0.5f32, -2.0]];
    for activation in [Activation::Relu, Activation::Tanh, Activation::SoftSign] {
        let config = StackConfig {
            D: 2,
            L: 2,
            activation,
        };
        let mut model = Stack::init(&config, 0)?;
        assert_eq!(
            (model.layers[1].activation, model.last.norm),
            (activation, Norm::None)
        );
        let each = |x: [f32; 2]| [activated(activation, (x[0] + x[1]) / 2.0); 2];
        let expected = activated(activation, each(each(x[0])).iter().sum::<f32>() / 2.0);
        for device in devices() {
            let runner = stacked::compile(model.clone())
                .device(device.clone())
                .build()?;
            close(runner.run(x)?, &[expected]);
            let train = stacked_loss::train(model.clone()).optimizer(Sgd::new(0.0));
            let step = train.device(device).build()?.step(x)?;
            close([step.loss as f32], &[expected * expected]);
        }
        // Of one column, the mean is what it is.
        model.last.norm = Norm::Mean;
        close(stacked(&model, x)?, &[0.0]);
    }
    close(kinds(&Activation::Relu, [1.0, 2.0])?, &[1.0, 2.0]);
    close(kinds(&Activation::Tanh, [1.0, 2.0])?, &[-1.0, -2.0]);
    close(kinds(&Activation::SoftSign, [1.0, 2.0])?, &[10.0, 20.0]);
    Ok(())
}

const DOUBLED: bool = true;
const BOUND: f32 = 0.75;

#[model]
fn by_consts<N>(m: &Layer<2>, x: Tensor<N>) -> Tensor<N> {
    let x = if DOUBLED { x * 2.0 } else { x };
    if m.gain < BOUND && m.gated == DOUBLED {
        x + 1.0
    } else {
        x
    }
}

#[test]
fn consts_decide() -> sinew::Result<()> {
    let config = |gain, gated| LayerConfig {
        D: 2,
        gain,
        heads: 1,
        gated,
        shift: 0.0,
    };
    for (gain, gated, more) in [(0.5, true, 1.0), (0.75, true, 0.0), (0.5, false, 0.0)] {
        let model = Layer::init(&config(gain, gated), 0)?;
        close(by_consts(&model, [1.0, -3.0])?, &[2.0 + more, more - 6.0]);
    }
    Ok(())
}

#[model]
struct Scale {
    #[init(ones)]
    by: Param,
}

#[model]
fn noted<N>(m: &Scale, x: Tensor<N>) -> Tensor<N> {
    let y = x * m.by;
    if training() { y * 3.0 } else { y }
}

#[model]
fn noted_loss<N>(m: &Scale, x: Tensor<N>) -> Tensor {
    noted(m, x).sum()
}

#[test]
fn a_trainer_trains_and_nothing_else_does() -> sinew::Result<()> {
    let x = [1.0f32, 2.0];
    for device in devices() {
        let train = noted_loss::train(Scale::init(0)).optimizer(Sgd::new(0.0));
        let mut train = train.device(device).build()?;
        assert_eq!(train.step(x)?.loss, 9.0);
        assert_eq!(train.gradients()?.by.item()?, 9.0);
        assert_eq!(noted::attach(&train)?.run(x)?.to_vec(), [1.0, 2.0]);
    }
    assert_eq!(noted_loss(&Scale::init(0), x)?, 3.0);
    assert_eq!(noted_loss::gradient(&Scale::init(0), x)?.by.item()?, 3.0);
    Ok(())
}

#[model]
struct Numbers {
    slope: f32,
    smoothing: f64,
    correction: f32,
    around: f64,
}

const SLOPE: f64 = 0.25;
const SMOOTHING: f32 = 0.125;
const CORRECTION: usize = 1;
const AROUND: i32 = -2;

/// Every operation of numbers, by the configuration.
#[model]
fn by_settings<B>(m: &Numbers, x: Tensor<B, 3>, labels: Tensor<i32, B>) -> Tensor {
    let smooth = cross_entropy(x, labels, label_smoothing = m.smoothing);
    let curves = leaky_relu(x, m.slope) * elu(x, alpha = m.slope);
    let far =
        huber_loss(x, curves, delta = m.slope) + x.std(axis = 1, correction = m.correction).sum();
    let padded = x.pad([(1, 2)], value = m.around).square().mean();
    smooth + curves.sum() + far + padded + (full([3], m.around) * x).sum()
}

/// The same by Rust's consts.
#[model]
fn by_rust<B>(x: Tensor<B, 3>, labels: Tensor<i32, B>) -> Tensor {
    let smooth = cross_entropy(x, labels, label_smoothing = SMOOTHING);
    let curves = leaky_relu(x, SLOPE) * elu(x, alpha = SLOPE);
    let far = huber_loss(x, curves, delta = SLOPE) + x.std(axis = 1, correction = CORRECTION).sum();
    let padded = x.pad([(1, 2)], value = AROUND).square().mean();
    smooth + curves.sum() + far + padded + (full([3], AROUND) * x).sum()
}

/// The same by literals.
#[model]
fn by_literals<B>(x: Tensor<B, 3>, labels: Tensor<i32, B>) -> Tensor {
    let smooth = cross_entropy(x, labels, label_smoothing = 0.125);
    let curves = leaky_relu(x, 0.25) * elu(x, alpha = 0.25);
    let far = huber_loss(x, curves, delta = 0.25) + x.std(axis = 1, correction = 1).sum();
    let padded = x.pad([(1, 2)], value = -2.0).square().mean();
    smooth + curves.sum() + far + padded + (full([3], -2.0) * x).sum()
}

#[test]
fn numbers_of_operations_are_settings_and_consts_too() -> sinew::Result<()> {
    let config = NumbersConfig {
        slope: 0.25,
        smoothing: 0.125,
        correction: 1.0,
        around: -2.0,
    };
    let model = Numbers::init(&config, 0)?;
    let x = [[0.5, -1.5, 0.25], [-0.75, 2.0, 0.125]];
    let labels = [2, 0];
    let wanted = by_literals(x, labels)?;
    close(
        sinew::ndarray::arr1(&[by_settings(&model, x, labels)?, by_rust(x, labels)?]),
        &[wanted, wanted],
    );
    let wanted = by_literals::gradient_by_inputs(x, labels)?;
    for found in [
        by_settings::gradient_by_inputs(&model, x, labels)?,
        by_rust::gradient_by_inputs(x, labels)?,
    ] {
        for (f, w) in found.iter().zip(&wanted) {
            assert!((f - w).abs() <= 1e-6 * w.abs().max(1.0), "{f} {w}");
        }
    }
    Ok(())
}

/// Filled with what is no literal: a size, an index, a tensor of its own type.
#[model]
fn filled<N>(
    x: Tensor<N>,
    i: Tensor<i32>,
) -> (Tensor<2>, Tensor<i32, 2>, Tensor<N, 2>, Tensor<i32, 2>) {
    let mut last = full([2], 0, i32);
    for t in 0..N {
        last = full([2], t, i32);
    }
    (
        full([2], N),
        full([2], i),
        full([N, 2], x.unsqueeze(1)),
        last,
    )
}

#[test]
fn a_shape_is_filled_with_any_number() -> sinew::Result<()> {
    let (size, integers, columns, last) = filled([1.5, 2.5, 3.5], 7)?;
    assert_eq!(
        (size.to_vec(), integers.to_vec()),
        (vec![3.0, 3.0], vec![7, 7])
    );
    assert_eq!(
        columns.into_raw_vec_and_offset().0,
        [1.5, 1.5, 2.5, 2.5, 3.5, 3.5]
    );
    assert_eq!(last.to_vec(), [2, 2]);
    Ok(())
}
