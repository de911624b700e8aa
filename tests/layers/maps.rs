//! Maps, words, functions of one number, dropout.

use super::{agree, array, close, places, scattered};
use crate::devices::devices;
use ndarray::{Array1, Array2};
use sinew::nn::{
    Activation, BilinearConfig, Dropout, DropoutConfig, EmbeddingConfig, LinearConfig,
    LinearNoBiasConfig, MlpConfig, PaddedEmbeddingConfig, ResidualBlockConfig,
};
use sinew::nn::{Bilinear, Embedding, LinearNoBias, Mlp, PaddedEmbedding, ResidualBlock};
use sinew::prelude::*;

#[model]
mod net {
    use sinew::nn::{
        Activation, Bilinear, Dropout, Embedding, LinearNoBias, Mlp, PaddedEmbedding, ResidualBlock,
    };
    use sinew::prelude::*;

    pub fn linear<B, I, O>(m: &Linear<I, O>, x: Tensor<B, I>) -> Tensor {
        let slope = grad(|x| m.forward(x).tanh().sum(), x);
        slope.square().sum() + m.forward(x).square().sum()
    }

    pub fn linear_no_bias<B, I, O>(m: &LinearNoBias<I, O>, x: Tensor<B, I>) -> Tensor {
        let slope = grad(|x| m.forward(x).tanh().sum(), x);
        slope.square().sum() + m.forward(x).square().sum()
    }

    pub fn bilinear<B, I, J, O>(m: &Bilinear<I, J, O>, x: Tensor<B, I>, z: Tensor<B, J>) -> Tensor {
        let slopes = grad(|x, z| m.forward(x, z).tanh().sum(), x, z);
        slopes.0.square().sum() + slopes.1.square().sum() + m.forward(x, z).square().sum()
    }

    pub fn mlp<B, I, H, O>(m: &Mlp<I, H, O>, x: Tensor<B, I>) -> Tensor {
        let slope = grad(|x| m.forward(x).tanh().sum(), x);
        slope.square().sum() + m.forward(x).square().sum()
    }

    pub fn residual<B, D, H>(m: &ResidualBlock<D, H>, x: Tensor<B, D>) -> Tensor {
        let slope = grad(|x| m.forward(x).tanh().sum(), x);
        slope.square().sum() + m.forward(x).square().sum()
    }

    pub fn embedding<T, V, D>(m: &Embedding<V, D>, i: Tensor<i32, T>) -> Tensor {
        let slope = grad(|m| m.forward(i).tanh().sum(), m);
        slope.w.square().sum() + m.forward(i).square().sum()
    }

    pub fn padded<T, V, D>(m: &PaddedEmbedding<V, D>, i: Tensor<i32, T>) -> Tensor {
        let slope = grad(|m| m.forward(i).tanh().sum(), m);
        slope.w.square().sum() + m.forward(i).square().sum()
    }

    pub struct Function {
        #[init(ones)]
        pub w: Param,
        #[default(Relu)]
        pub activation: Activation,
    }

    pub fn function<N>(m: &Function, x: Tensor<N>) -> Tensor {
        let slope = grad(|x| m.activation.of(m.w * x).sum(), x);
        slope.square().sum() + m.activation.of(m.w * x).square().sum()
    }

    pub fn values<N>(m: &Function, x: Tensor<N>) -> Tensor<N> {
        m.activation.of(x)
    }

    pub fn kept<N>(m: &Function, drop: &Dropout, x: Tensor<N>) -> (Tensor, Tensor<N>) {
        let y = drop.forward(x);
        (m.w * y.sum(), y)
    }
}

/// Of a linear map: the last axis of x by the rows of w.
fn mapped(x: &Array2<f64>, w: &Array2<f64>, b: &Array1<f64>) -> Array2<f64> {
    x.dot(w) + b
}

fn matrix(leaf: &Param) -> Array2<f64> {
    leaf.values_f64().into_dimensionality().expect("a matrix")
}

fn vector(leaf: &Param) -> Array1<f64> {
    leaf.values_f64().into_dimensionality().expect("a vector")
}

#[test]
fn gradients_are_differences() -> sinew::Result<()> {
    let x: Array2<f64> = array(1, [3, 4]);
    let z: Array2<f64> = array(2, [3, 2]);
    agree!(
        net::linear,
        Linear::init(&LinearConfig { I: 4, O: 3 }, 0)?,
        &x
    )?;
    let without = LinearNoBias::init(&LinearNoBiasConfig { I: 4, O: 3 }, 0)?;
    agree!(net::linear_no_bias, without, &x)?;
    let both = Bilinear::init(&BilinearConfig { I: 4, J: 2, O: 3 }, 0)?;
    agree!(net::bilinear, both, &x, &z)?;
    let words = Embedding::init(&EmbeddingConfig { V: 5, D: 2 }, 0)?;
    agree!(net::embedding, words, [4, 1, 1, 0])?;
    let padding_index = 1;
    let config = PaddedEmbeddingConfig {
        V: 5,
        D: 2,
        padding_index,
    };
    agree!(
        net::padded,
        PaddedEmbedding::init(&config, 0)?,
        [4, 1, 1, 0]
    )?;
    for activation in [Activation::Tanh, Activation::Gelu] {
        let config = MlpConfig {
            I: 4,
            H: 5,
            O: 3,
            activation,
        };
        agree!(net::mlp, Mlp::init(&config, 0)?, &x)?;
        let config = ResidualBlockConfig {
            D: 4,
            H: 5,
            activation,
        };
        agree!(net::residual, ResidualBlock::init(&config, 0)?, &x)?;
    }
    Ok(())
}

#[test]
fn maps_are_their_formulas() -> sinew::Result<()> {
    let x: Array2<f64> = array(1, [3, 4]);
    let m = scattered(Linear::init(&LinearConfig { I: 4, O: 2 }, 0)?);
    let expected = mapped(&x, &matrix(&m.w), &vector(&m.b));
    let found = m.forward(&x)?.mapv(f64::from);
    close(
        "linear",
        found.as_slice().expect("rows"),
        expected.as_slice().expect("rows"),
        1e-5,
    );

    let m = scattered(Mlp::init(
        &MlpConfig {
            I: 4,
            H: 5,
            O: 2,
            activation: Activation::Relu,
        },
        0,
    )?);
    let hidden = mapped(&x, &matrix(&m.hidden.w), &vector(&m.hidden.b)).mapv(|v| v.max(0.0));
    let expected = mapped(&hidden, &matrix(&m.out.w), &vector(&m.out.b));
    let found = m.forward(&x)?.mapv(f64::from);
    close(
        "mlp",
        found.as_slice().expect("rows"),
        expected.as_slice().expect("rows"),
        1e-5,
    );

    let config = ResidualBlockConfig {
        D: 4,
        H: 5,
        activation: Activation::Tanh,
    };
    let m = scattered(ResidualBlock::init(&config, 0)?);
    let hidden = mapped(&x, &matrix(&m.hidden.w), &vector(&m.hidden.b)).mapv(f64::tanh);
    let expected = &x + &mapped(&hidden, &matrix(&m.out.w), &vector(&m.out.b));
    let found = m.forward(&x)?.mapv(f64::from);
    close(
        "residual",
        found.as_slice().expect("rows"),
        expected.as_slice().expect("rows"),
        1e-5,
    );

    let z: Array2<f64> = array(2, [3, 2]);
    let m = scattered(Bilinear::init(&BilinearConfig { I: 4, J: 2, O: 2 }, 0)?);
    let (w, b) = (m.w.values_f64(), vector(&m.b));
    let expected = Array2::from_shape_fn((3, 2), |(n, o)| {
        let pairs = (0..4).flat_map(|i| (0..2).map(move |j| (i, j)));
        b[o] + pairs
            .map(|(i, j)| x[(n, i)] * w[[o, i, j]] * z[(n, j)])
            .sum::<f64>()
    });
    let found = m.forward(&x, &z)?.mapv(f64::from);
    close(
        "bilinear",
        found.as_slice().expect("rows"),
        expected.as_slice().expect("rows"),
        1e-5,
    );
    Ok(())
}

#[test]
fn weights_start_as_pytorchs_do() -> sinew::Result<()> {
    let m = Linear::init(&LinearConfig { I: 16, O: 1000 }, 3)?;
    let both = Bilinear::init(
        &BilinearConfig {
            I: 16,
            J: 2,
            O: 1000,
        },
        3,
    )?;
    for leaf in [&m.w, &m.b, &both.w, &both.b] {
        let greatest = leaf.values().iter().fold(0f32, |m, v| m.max(v.abs()));
        assert!((0.249..=0.25).contains(&greatest), "{greatest}");
        let mean = leaf.values_f64().mean().expect("elements");
        assert!(mean.abs() < 0.02, "{mean}");
    }
    Ok(())
}

/// A padding gives zeros whatever its row holds, which gets no gradient.
#[test]
fn paddings_are_zeros_and_learn_nothing() -> sinew::Result<()> {
    let config = PaddedEmbeddingConfig {
        V: 3,
        D: 2,
        padding_index: 1,
    };
    let m = scattered(PaddedEmbedding::init(&config, 0)?);
    let y = m.forward([[0, 1], [2, 1]])?;
    assert_eq!(y.shape(), [2, 2, 2]);
    for (i, j) in [(0, 1), (1, 1)] {
        assert_eq!((y[[i, j, 0]], y[[i, j, 1]]), (0.0, 0.0));
    }
    let rows = m.w.values();
    assert_eq!((y[[0, 0, 1]], y[[1, 0, 0]]), (rows[[0, 1]], rows[[2, 0]]));
    let gradient = matrix(&net::padded::gradient(&m, [0, 1, 2])?.w);
    assert!(gradient.row(1).iter().all(|g| *g == 0.0));
    assert!(
        gradient
            .row(0)
            .iter()
            .chain(gradient.row(2))
            .all(|g| *g != 0.0)
    );
    Ok(())
}

/// What a variant does to a number.
type Formula = fn(f64) -> f64;

const ALL: [(Activation, Formula); 9] = [
    (Activation::Relu, |x| x.max(0.0)),
    (Activation::GeluTanh, |x| {
        let inner = (2.0 / std::f64::consts::PI).sqrt() * (x + 0.044715 * x * x * x);
        0.5 * x * (1.0 + inner.tanh())
    }),
    (Activation::Silu, |x| x / (1.0 + (-x).exp())),
    (Activation::Elu, |x| if x > 0.0 { x } else { x.exp() - 1.0 }),
    (
        Activation::LeakyRelu,
        |x| if x > 0.0 { x } else { 0.01 * x },
    ),
    (Activation::Softplus, |x| (1.0 + x.exp()).ln()),
    (Activation::Tanh, f64::tanh),
    (Activation::Sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
    (Activation::Identity, |x| x),
];

#[test]
fn functions_are_their_formulas() -> sinew::Result<()> {
    let x: Array1<f64> = 3.0 * array::<1, ndarray::Ix1>(5, [9]);
    for (activation, formula) in ALL {
        let config = net::FunctionConfig { activation };
        let m = net::Function::init(&config, 0)?;
        for ((device, precision), tolerance) in places() {
            let run = net::values::compile(m.clone())
                .device(device)
                .precision(precision)
                .build()?;
            let found = run.run_f64(&x)?.to_vec();
            close(
                &format!("{activation:?}"),
                &found,
                &x.mapv(formula).to_vec(),
                tolerance,
            );
        }
        agree!(net::function, m, &x)?;
    }
    // erf(1 / sqrt(2)) = 0.6826894921370859, the share within one standard deviation.
    let m = net::Function::init(
        &net::FunctionConfig {
            activation: Activation::Gelu,
        },
        0,
    )?;
    let run = net::values::compile(m).precision(Precision::F64).build()?;
    let found = run.run_f64([1.0, -1.0])?.to_vec();
    close(
        "Gelu",
        &found,
        &[0.841_344_746_068_542_9, -0.158_655_253_931_457_07],
        1e-12,
    );
    Ok(())
}

/// In a trainer's steps elements are 0 or divided by what is kept of them; nowhere else.
#[test]
fn elements_are_left_out_in_steps_alone() -> sinew::Result<()> {
    let m = net::Function::init(
        &net::FunctionConfig {
            activation: Activation::Relu,
        },
        0,
    )?;
    let drop = Dropout::init(&DropoutConfig { dropout: 0.25 }, 0)?;
    let ones = vec![1.0; 4000];
    for device in devices() {
        let mut train = net::kept::train(m.clone(), drop.clone())
            .device(device)
            .build()?;
        let y = train.step(&ones)?.rest;
        let kept = y.iter().filter(|v| **v != 0.0).count();
        assert!(
            y.iter()
                .all(|v| *v == 0.0 || (*v - 1.0 / 0.75).abs() < 1e-6)
        );
        // Six standard errors of 27.
        assert!(kept.abs_diff(3000) < 165, "{kept}");
        let run = net::kept::compile(m.clone(), drop.clone()).build()?;
        assert_eq!(run.run(&ones)?.1.to_vec(), vec![1.0; 4000]);
    }
    Ok(())
}
