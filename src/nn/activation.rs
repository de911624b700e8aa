//! Functions of one number, chosen by configuration.

use crate::{Tensor, model};

/// A function of each element, as a setting: which one is part of a model's configuration.
///
/// | variant | y |
/// |---|---|
/// | `Relu` | `max(x, 0)` |
/// | `Gelu` | `x (1 + erf(x / sqrt(2))) / 2` (Hendrycks and Gimpel, 2016) |
/// | `GeluTanh` | `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2` (the same) |
/// | `Silu` | `x sigmoid(x)` (Elfwing et al., 2017), also called swish |
/// | `Elu` | x where it is above 0, else `exp(x) - 1` (Clevert et al., 2015) |
/// | `LeakyRelu` | x where it is above 0, else `0.01 x` |
/// | `Softplus` | `log(1 + exp(x))` |
/// | `Tanh` | `tanh(x)` |
/// | `Sigmoid` | `1 / (1 + exp(-x))` |
/// | `Identity` | `x` |
///
/// Nothing is left in the compiled program of those that are not chosen. Files name them in small letters, if they like:
/// `gelu_tanh`.
///
/// ```
/// use sinew::nn::Activation;
/// use sinew::ndarray::array;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Gate<D> {
///     #[init(ones)]
///     w: Param<D>,
///     #[default(Relu)]
///     activation: Activation,
/// }
///
/// #[model]
/// fn gated<D>(m: &Gate<D>, x: Tensor<D>) -> Tensor<D> {
///     m.activation.of(x) * m.w
/// }
///
/// let mut gate = Gate::init(&GateConfig { D: 2, activation: Activation::Relu }, 0)?;
/// assert_eq!(gated(&gate, [3.0, -3.0])?, array![3.0, 0.0]);
/// gate.activation = Activation::Identity;
/// assert_eq!(gated(&gate, [3.0, -3.0])?, array![3.0, -3.0]);
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub enum Activation {
    /// `max(x, 0)`.
    Relu,
    /// `x (1 + erf(x / sqrt(2))) / 2`.
    Gelu,
    /// `x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2`.
    GeluTanh,
    /// `x sigmoid(x)`.
    Silu,
    /// x where it is above 0, else `exp(x) - 1`.
    Elu,
    /// x where it is above 0, else `0.01 x`.
    LeakyRelu,
    /// `log(1 + exp(x))`.
    Softplus,
    /// `tanh(x)`.
    Tanh,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// `x`.
    Identity,
}

#[model(pub)]
impl Activation {
    /// The function of each element: `[..] -> [..]`.
    pub fn of<S>(&self, x: Tensor<[S]>) -> Tensor<[S]> {
        match self {
            Activation::Relu => x.relu(),
            Activation::Gelu => x.gelu(),
            Activation::GeluTanh => x.gelu(approximate = "tanh"),
            Activation::Silu => x.silu(),
            Activation::Elu => x.elu(),
            Activation::LeakyRelu => x.leaky_relu(),
            Activation::Softplus => x.softplus(),
            Activation::Tanh => x.tanh(),
            Activation::Sigmoid => x.sigmoid(),
            Activation::Identity => x,
        }
    }
}
