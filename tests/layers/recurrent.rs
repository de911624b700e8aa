//! Recurrent nets: PyTorch's values and gradients, layers and directions against their steps written out.

use super::golden::golden;
use super::{agree, array, close, leaves, places, scattered};
use ndarray::{Array2, Array3, s};
use sinew::nn::{
    Activation, BiGru, BiGruConfig, BiLstm, BiLstmConfig, BiRnn, BiRnnConfig, Gru, GruCell,
    GruConfig, Lstm, LstmCell, LstmConfig, Rnn, RnnCell, RnnConfig,
};
use sinew::prelude::*;

#[model]
mod net {
    use sinew::nn::{BiGru, BiLstm, BiRnn, Gru, Lstm, Rnn};
    use sinew::prelude::*;

    /// The product with a cotangent, its derivative by x, and the result.
    pub fn lstm<B, T, I, H, Layers>(
        m: &Lstm<I, H, Layers>,
        x: Tensor<B, T, I>,
        v: Tensor<B, T, H>,
    ) -> (Tensor, Tensor<B, T, I>, Tensor<B, T, H>) {
        let by_x = grad(|x| (m.forward(x).0 * v).sum(), x);
        let y = m.forward(x).0;
        ((y * v).sum(), by_x, y)
    }

    pub fn gru<B, T, I, H, Layers>(
        m: &Gru<I, H, Layers>,
        x: Tensor<B, T, I>,
        v: Tensor<B, T, H>,
    ) -> (Tensor, Tensor<B, T, I>, Tensor<B, T, H>) {
        let by_x = grad(|x| (m.forward(x).0 * v).sum(), x);
        let y = m.forward(x).0;
        ((y * v).sum(), by_x, y)
    }

    pub fn rnn<B, T, I, H, Layers>(
        m: &Rnn<I, H, Layers>,
        x: Tensor<B, T, I>,
        v: Tensor<B, T, H>,
    ) -> (Tensor, Tensor<B, T, I>, Tensor<B, T, H>) {
        let by_x = grad(|x| (m.forward(x).0 * v).sum(), x);
        let y = m.forward(x).0;
        ((y * v).sum(), by_x, y)
    }

    /// All results of several layers, and of their derivative by x.
    pub fn deep_lstm<B, T, I, H, Layers>(
        m: &Lstm<I, H, Layers>,
        x: Tensor<B, T, I>,
        h: Tensor<Layers, B, H>,
        c: Tensor<Layers, B, H>,
    ) -> Tensor {
        let slope = grad(|x| m.forward_from(x, h, c).0.square().sum(), x);
        let (y, h, c) = m.forward_from(x, h, c);
        slope.square().sum() + y.powi(3).sum() + h.square().sum() + c.square().sum()
    }

    pub fn deep_bi_lstm<B, T, I, H, Layers>(
        m: &BiLstm<I, H, Layers>,
        x: Tensor<B, T, I>,
        h: Tensor<{ 2 * Layers }, B, H>,
        c: Tensor<{ 2 * Layers }, B, H>,
    ) -> Tensor {
        let slope = grad(|x| m.forward_from(x, h, c).0.square().sum(), x);
        let (y, h, c) = m.forward_from(x, h, c);
        slope.square().sum() + y.powi(3).sum() + h.square().sum() + c.square().sum()
    }

    pub fn deep_gru<B, T, I, H, Layers>(
        m: &Gru<I, H, Layers>,
        x: Tensor<B, T, I>,
        h: Tensor<Layers, B, H>,
    ) -> Tensor {
        let slope = grad(|x| m.forward_from(x, h).0.square().sum(), x);
        let (y, h) = m.forward_from(x, h);
        slope.square().sum() + y.powi(3).sum() + h.square().sum()
    }

    pub fn deep_bi_gru<B, T, I, H, Layers>(
        m: &BiGru<I, H, Layers>,
        x: Tensor<B, T, I>,
        h: Tensor<{ 2 * Layers }, B, H>,
    ) -> Tensor {
        let slope = grad(|x| m.forward_from(x, h).0.square().sum(), x);
        let (y, h) = m.forward_from(x, h);
        slope.square().sum() + y.powi(3).sum() + h.square().sum()
    }

    pub fn deep_rnn<B, T, I, H, Layers>(
        m: &Rnn<I, H, Layers>,
        x: Tensor<B, T, I>,
        h: Tensor<Layers, B, H>,
    ) -> Tensor {
        let slope = grad(|x| m.forward_from(x, h).0.square().sum(), x);
        let (y, h) = m.forward_from(x, h);
        slope.square().sum() + y.powi(3).sum() + h.square().sum()
    }

    pub fn deep_bi_rnn<B, T, I, H, Layers>(
        m: &BiRnn<I, H, Layers>,
        x: Tensor<B, T, I>,
        h: Tensor<{ 2 * Layers }, B, H>,
    ) -> Tensor {
        let slope = grad(|x| m.forward_from(x, h).0.square().sum(), x);
        let (y, h) = m.forward_from(x, h);
        slope.square().sum() + y.powi(3).sum() + h.square().sum()
    }
}

/// Trains nothing with a case's weights in a net of one layer, and compares all that PyTorch gives.
macro_rules! case {
    ($name:literal, $loss:path, $model:expr) => {{
        use $loss as the_loss;
        let case = golden($name);
        let mut model = $model;
        model.first.w_ih.set(case.weight("in/w_ih"))?;
        model.first.w_hh.set(case.weight("in/w_hh"))?;
        model.first.b_ih.set(&case["in/b_ih"])?;
        model.first.b_hh.set(&case["in/b_hh"])?;
        let (x, v): (Array3<f64>, Array3<f64>) = (case.array("in/x"), case.array("cot/0"));
        for ((device, precision), tolerance) in places() {
            let run = the_loss::compile(model.clone())
                .device(device.clone())
                .precision(precision);
            let (_, by_x, y) = run.build()?.run_f64(&x, &v)?;
            case.check("out/0", y.into_dyn(), tolerance);
            case.check("grad/x", by_x.into_dyn(), tolerance);
            let train = the_loss::train(model.clone()).optimizer(Sgd::new(0.0));
            let mut train = train.device(device).precision(precision).build()?;
            train.step(&x, &v)?;
            let gradient = train.gradients()?.first;
            for (what, found) in [
                ("grad/w_ih", &gradient.w_ih),
                ("grad/w_hh", &gradient.w_hh),
                ("grad/b_ih", &gradient.b_ih),
                ("grad/b_hh", &gradient.b_hh),
            ] {
                case.check_as(what, found.values_f64(), &case.weight(what), tolerance);
            }
        }
    }};
}

#[test]
fn pytorchs_values_and_gradients() -> sinew::Result<()> {
    let dropout = 0.0;
    let config = LstmConfig {
        I: 3,
        H: 4,
        Layers: 1,
        dropout,
    };
    case!("lstm", net::lstm, Lstm::init(&config, 0)?);
    let config = GruConfig {
        I: 3,
        H: 4,
        Layers: 1,
        dropout,
    };
    case!("gru", net::gru, Gru::init(&config, 0)?);
    let config = RnnConfig {
        I: 3,
        H: 4,
        Layers: 1,
        dropout,
        nonlinearity: Activation::Tanh,
    };
    case!("rnn_tanh", net::rnn, Rnn::init(&config, 0)?);
    Ok(())
}

#[test]
fn gradients_of_layers_are_differences() -> sinew::Result<()> {
    let (dropout, nonlinearity) = (0.0, Activation::Tanh);
    let x: Array3<f64> = array(1, [2, 4, 3]);
    let (h, c): (Array3<f64>, Array3<f64>) = (array(2, [2, 2, 2]), array(3, [2, 2, 2]));
    let config = LstmConfig {
        I: 3,
        H: 2,
        Layers: 2,
        dropout,
    };
    agree!(net::deep_lstm, Lstm::init(&config, 0)?, &x, &h, &c)?;
    let config = GruConfig {
        I: 3,
        H: 2,
        Layers: 2,
        dropout,
    };
    agree!(net::deep_gru, Gru::init(&config, 0)?, &x, &h)?;
    let config = RnnConfig {
        I: 3,
        H: 2,
        Layers: 2,
        dropout,
        nonlinearity,
    };
    agree!(net::deep_rnn, Rnn::init(&config, 0)?, &x, &h)
}

#[test]
fn gradients_of_both_directions_are_differences() -> sinew::Result<()> {
    let (dropout, nonlinearity) = (0.0, Activation::Tanh);
    let x: Array3<f64> = array(1, [2, 4, 3]);
    let (h, c): (Array3<f64>, Array3<f64>) = (array(2, [4, 2, 2]), array(3, [4, 2, 2]));
    let config = BiLstmConfig {
        I: 3,
        H: 2,
        Layers: 2,
        dropout,
    };
    agree!(net::deep_bi_lstm, BiLstm::init(&config, 0)?, &x, &h, &c)?;
    let config = BiGruConfig {
        I: 3,
        H: 2,
        Layers: 2,
        dropout,
    };
    agree!(net::deep_bi_gru, BiGru::init(&config, 0)?, &x, &h)?;
    let config = BiRnnConfig {
        I: 3,
        H: 2,
        Layers: 2,
        dropout,
        nonlinearity,
    };
    agree!(net::deep_bi_rnn, BiRnn::init(&config, 0)?, &x, &h)
}

fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// What goes into the gates: of the input and of the hidden state, apart.
fn gates(x: &Array2<f64>, h: &Array2<f64>, leaves: [&Param; 4]) -> [Array2<f64>; 2] {
    let matrix =
        |p: &Param| -> Array2<f64> { p.values_f64().into_dimensionality().expect("a matrix") };
    let [w_ih, w_hh, b_ih, b_hh] = leaves;
    let bias = |p: &Param| {
        p.values_f64()
            .into_dimensionality::<ndarray::Ix1>()
            .expect("a vector")
    };
    [
        x.dot(&matrix(w_ih)) + bias(b_ih),
        h.dot(&matrix(w_hh)) + bias(b_hh),
    ]
}

/// PyTorch's formulas, one example and one feature at a time.
fn lstm_step(m: &LstmCell, x: &Array2<f64>, state: &[Array2<f64>]) -> Vec<Array2<f64>> {
    let [a, b] = gates(x, &state[0], [&m.w_ih, &m.w_hh, &m.b_ih, &m.b_hh]);
    let (g, n) = (a + b, state[0].ncols());
    let c = Array2::from_shape_fn(state[0].dim(), |(e, j)| {
        sigmoid(g[(e, n + j)]) * state[1][(e, j)] + sigmoid(g[(e, j)]) * g[(e, 2 * n + j)].tanh()
    });
    let h = Array2::from_shape_fn(c.dim(), |(e, j)| {
        sigmoid(g[(e, 3 * n + j)]) * c[(e, j)].tanh()
    });
    vec![h, c]
}

fn gru_step(m: &GruCell, x: &Array2<f64>, state: &[Array2<f64>]) -> Vec<Array2<f64>> {
    let [a, b] = gates(x, &state[0], [&m.w_ih, &m.w_hh, &m.b_ih, &m.b_hh]);
    let n = state[0].ncols();
    let h = Array2::from_shape_fn(state[0].dim(), |(e, j)| {
        let r = sigmoid(a[(e, j)] + b[(e, j)]);
        let z = sigmoid(a[(e, n + j)] + b[(e, n + j)]);
        let new = (a[(e, 2 * n + j)] + r * b[(e, 2 * n + j)]).tanh();
        (1.0 - z) * new + z * state[0][(e, j)]
    });
    vec![h]
}

fn rnn_step(m: &RnnCell, x: &Array2<f64>, state: &[Array2<f64>]) -> Vec<Array2<f64>> {
    let [a, b] = gates(x, &state[0], [&m.w_ih, &m.w_hh, &m.b_ih, &m.b_hh]);
    vec![(a + b).mapv(f64::tanh)]
}

/// One step of a cell: from its input and state to its state.
type StepOf<C> = fn(&C, &Array2<f64>, &[Array2<f64>]) -> Vec<Array2<f64>>;

/// A cell over the times of a sequence, from the last where it is reversed: its hidden states and its last state.
fn over<C>(
    cell: &C,
    step: StepOf<C>,
    x: &Array3<f64>,
    state: Vec<Array2<f64>>,
    reversed: bool,
) -> (Array3<f64>, Vec<Array2<f64>>) {
    let (batch, times, _) = x.dim();
    let mut y = Array3::zeros((batch, times, state[0].ncols()));
    let mut state = state;
    for i in 0..times {
        let t = if reversed { times - 1 - i } else { i };
        state = step(cell, &x.slice(s![.., t, ..]).to_owned(), &state);
        y.slice_mut(s![.., t, ..]).assign(&state[0]);
    }
    (y, state)
}

fn flat(x: &Array3<f64>) -> Vec<f64> {
    x.iter().copied().collect()
}

/// Two layers in both directions against their formulas, states of both directions side by side.
macro_rules! both_directions {
    ($model:expr, $step:ident, [$($state:ident),*], $forward:expr) => {{
        let m = scattered($model);
        let x: Array3<f64> = array(1, [2, 4, 3]);
        let states: Vec<Array3<f64>> = vec![$($state.clone()),*];
        let of = |i: usize| -> Vec<Array2<f64>> {
            states.iter().map(|s| s.slice(s![i, .., ..]).to_owned()).collect()
        };
        let mut ends = Vec::new();
        let mut y = x.clone();
        let layers = [(&m.first, &m.first_reversed), (&m.rest[0], &m.rest_reversed[0])];
        for (l, (there, back)) in layers.into_iter().enumerate() {
            let (a, end) = over(there, $step, &y, of(2 * l), false);
            ends.push(end);
            let (b, end) = over(back, $step, &y, of(2 * l + 1), true);
            ends.push(end);
            y = ndarray::concatenate(ndarray::Axis(2), &[a.view(), b.view()]).expect("side by side");
        }
        let found: Vec<Array3<f64>> = $forward(&m, &x)?;
        close("y", &flat(&found[0]), &flat(&y), 1e-5);
        for (i, found) in found[1..].iter().enumerate() {
            for (l, end) in ends.iter().enumerate() {
                let found: Vec<f64> = found.slice(s![l, .., ..]).iter().copied().collect();
                close("the last state", &found, &end[i].iter().copied().collect::<Vec<_>>(), 1e-5);
            }
        }
    }};
}

#[test]
fn layers_of_both_directions_are_their_formulas() -> sinew::Result<()> {
    let (h, c): (Array3<f64>, Array3<f64>) = (array(2, [4, 2, 2]), array(3, [4, 2, 2]));
    let wide = |x: ndarray::Array3<f32>| x.mapv(f64::from);
    let dropout = 0.0;
    let m = BiLstm::init(
        &BiLstmConfig {
            I: 3,
            H: 2,
            Layers: 2,
            dropout,
        },
        0,
    )?;
    both_directions!(m, lstm_step, [h, c], |m: &BiLstm,
                                            x|
     -> sinew::Result<
        Vec<Array3<f64>>,
    > {
        let (y, h, c) = m.forward_from(x, &h, &c)?;
        Ok(vec![wide(y), wide(h), wide(c)])
    });
    let m = BiGru::init(
        &BiGruConfig {
            I: 3,
            H: 2,
            Layers: 2,
            dropout,
        },
        0,
    )?;
    both_directions!(m, gru_step, [h], |m: &BiGru,
                                        x|
     -> sinew::Result<Vec<Array3<f64>>> {
        let (y, h) = m.forward_from(x, &h)?;
        Ok(vec![wide(y), wide(h)])
    });
    let nonlinearity = Activation::Tanh;
    let m = BiRnn::init(
        &BiRnnConfig {
            I: 3,
            H: 2,
            Layers: 2,
            dropout,
            nonlinearity,
        },
        0,
    )?;
    both_directions!(m, rnn_step, [h], |m: &BiRnn,
                                        x|
     -> sinew::Result<Vec<Array3<f64>>> {
        let (y, h) = m.forward_from(x, &h)?;
        Ok(vec![wide(y), wide(h)])
    });
    Ok(())
}

/// The states that one part of a sequence leaves are those that the next starts with.
#[test]
fn states_go_from_part_to_part() -> sinew::Result<()> {
    let x: Array3<f64> = array(1, [2, 6, 3]);
    let m = scattered(Lstm::init(
        &LstmConfig {
            I: 3,
            H: 2,
            Layers: 3,
            dropout: 0.0,
        },
        0,
    )?);
    let (whole, h, c) = m.forward(&x)?;
    let (_, h_first, c_first) = m.forward(x.slice(s![.., ..4, ..]))?;
    let (y, h_then, c_then) = m.forward_from(x.slice(s![.., 4.., ..]), &h_first, &c_first)?;
    assert_eq!(h_then.dim(), (3, 2, 2));
    let wide = |x: &ndarray::Array3<f32>| -> Vec<f64> { x.iter().map(|v| f64::from(*v)).collect() };
    close(
        "y",
        &wide(&y),
        &wide(&whole.slice(s![.., 4.., ..]).to_owned()),
        1e-6,
    );
    close("h", &wide(&h_then), &wide(&h), 1e-6);
    close("c", &wide(&c_then), &wide(&c), 1e-6);
    Ok(())
}

/// The code of many times is that of a few.
#[test]
fn the_code_does_not_grow_with_the_sequence() -> sinew::Result<()> {
    let code = |times: usize| -> sinew::Result<usize> {
        let config = LstmConfig {
            I: 3,
            H: 4,
            Layers: 2,
            dropout: 0.0,
        };
        let mut train = net::lstm::train(Lstm::init(&config, 0)?).build()?;
        train.prepare(
            Array3::<f64>::zeros((2, times, 3)),
            Array3::<f64>::zeros((2, times, 4)),
        )?;
        Ok(train.clif()?.lines().count())
    };
    let (few, many) = (code(8)?, code(200)?);
    assert!(few.abs_diff(many) * 20 <= few, "{few} {many}");
    Ok(())
}

#[test]
fn weights_start_within_the_square_root_of_the_hidden_features() -> sinew::Result<()> {
    let m = Gru::init(
        &GruConfig {
            I: 3,
            H: 16,
            Layers: 2,
            dropout: 0.0,
        },
        0,
    )?;
    for (path, values) in leaves(&m) {
        let greatest = values.iter().fold(0f64, |m, v| m.max(v.abs()));
        assert!((0.2..=0.25).contains(&greatest), "{path}: {greatest}");
    }
    Ok(())
}
