//! Layers of layers: two maps with a function between them.

use super::{Activation, Linear};
use crate::{Tensor, model};

/// Two affine maps with a function between them: `y = out(activation(hidden(x)))`, for each index of the axes in front.
///
/// | | |
/// |---|---|
/// | shapes | `[.., I] -> [.., O]` |
/// | `hidden: Linear<I, H>` | uniform on ±1 / sqrt(I) |
/// | `out: Linear<H, O>` | uniform on ±1 / sqrt(H) |
/// | `activation: Activation` | `Relu` |
///
/// ```
/// use sinew::nn::{Activation, Mlp, MlpConfig};
/// use sinew::prelude::*;
///
/// let config = MlpConfig { I: 2, H: 16, O: 1, activation: Activation::Tanh };
/// let mlp = Mlp::init(&config, 42)?;
/// assert_eq!(mlp.forward([[0.0, 1.0], [1.0, 0.0]])?.shape(), [2, 1]);
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct Mlp<I, H, O> {
    /// From the inputs.
    pub hidden: Linear<I, H>,
    /// To the outputs.
    pub out: Linear<H, O>,
    /// What stands between them.
    #[default(Relu)]
    pub activation: Activation,
}

#[model(pub)]
impl<I, H, O> Mlp<I, H, O> {
    /// `out(activation(hidden(x)))` for each index of the leading dims: `[.., I] -> [.., O]`.
    pub fn forward<S>(&self, x: Tensor<[S], I>) -> Tensor<[S], O> {
        self.out.forward(self.activation.of(self.hidden.forward(x)))
    }
}

/// What is added to its input: `y = x + out(activation(hidden(x)))` (He et al., "Deep residual learning", 2015, with
/// affine maps in place of convolutions).
///
/// | | |
/// |---|---|
/// | shapes | `[.., D] -> [.., D]` |
/// | `hidden: Linear<D, H>` | uniform on ±1 / sqrt(D) |
/// | `out: Linear<H, D>` | uniform on ±1 / sqrt(H) |
/// | `activation: Activation` | `Relu` |
///
/// ```
/// use sinew::nn::ResidualBlock;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net<Layers> {
///     blocks: [ResidualBlock<8, 32>; Layers],
/// }
///
/// #[model]
/// fn out<B, Layers>(m: &Net<Layers>, x: Tensor<B, 8>) -> Tensor<B, 8> {
///     let mut x = x;
///     for block in &m.blocks {
///         x = block.forward(x);
///     }
///     x
/// }
///
/// let net = Net::init(&NetConfig { Layers: 3 }, 42)?;
/// assert_eq!(out(&net, [[1.0; 8]])?.dim(), (1, 8));
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct ResidualBlock<D, H> {
    /// From the input.
    pub hidden: Linear<D, H>,
    /// To what is added.
    pub out: Linear<H, D>,
    /// What stands between them.
    #[default(Relu)]
    pub activation: Activation,
}

#[model(pub)]
impl<D, H> ResidualBlock<D, H> {
    /// `x + out(activation(hidden(x)))` for each index of the leading dims: `[.., D] -> [.., D]`.
    pub fn forward<S>(&self, x: Tensor<[S], D>) -> Tensor<[S], D> {
        x + self.out.forward(self.activation.of(self.hidden.forward(x)))
    }
}
