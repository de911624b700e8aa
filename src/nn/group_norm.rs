//! Normalisation of groups of channels, within each example.

use crate::{Param, Tensor, model};

/// Groups of channels at mean 0 and variance 1 in each example, then scaled and moved by channel:
/// `y = (x - mean) / sqrt(variance + eps) w + b` (Wu and He, "Group normalization", 2018).
///
/// | | |
/// |---|---|
/// | shapes | `[B, C, L] -> [B, C, L]`; `forward_2d`: `[B, C, H, W] -> [B, C, H, W]` |
/// | `w: [C]` | starts with ones |
/// | `b: [C]` | starts with zeros |
/// | `eps: f64` | 1e-5 |
///
/// `G` is the number of groups, which C is a multiple of; channels side by side are a group. PyTorch's
/// `GroupNorm(G, C)`.
///
/// ```
/// use sinew::nn::GroupNorm;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net {
///     norm: GroupNorm<4, 2>,              // 4 channels in 2 groups
/// }
///
/// #[model]
/// fn normalised<B, L>(m: &Net, x: Tensor<B, 4, L>) -> Tensor<B, 4, L> {
///     m.norm.forward(x)
/// }
///
/// let y = normalised(&Net::init(0), [[[1.0], [3.0], [10.0], [50.0]]])?;
/// assert!(y.iter().zip([-1.0, 1.0, -1.0, 1.0]).all(|(y, e)| (y - e).abs() < 1e-5));
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct GroupNorm<C, G> {
    /// Factors.
    #[init(ones)]
    #[pytorch("weight")]
    pub w: Param<C>,
    /// Biases.
    #[init(zeros)]
    #[pytorch("bias")]
    pub b: Param<C>,
    /// What keeps the divisor from 0.
    #[default(1e-5)]
    pub eps: f64,
}

#[model(pub)]
impl<C, G> GroupNorm<C, G> {
    /// Each group of channels normalised over its channels and places: `[B, C, L] -> [B, C, L]`.
    #[model(where(C == G * (C / G)))]
    pub fn forward<B, L>(&self, x: Tensor<B, C, L>) -> Tensor<B, C, L> {
        let groups = x.reshape([B, G, (C / G) * L]);
        let centred = groups - groups.mean(-1, keepdims = true);
        let variance = centred.square().mean(-1, keepdims = true);
        let normalised = (centred * (variance + self.eps).rsqrt()).reshape([B, C, L]);
        normalised * self.w.unsqueeze(-1) + self.b.unsqueeze(-1)
    }

    /// The same of images: `[B, C, H, W] -> [B, C, H, W]`.
    #[model(where(C == G * (C / G)))]
    pub fn forward_2d<B, H, W>(&self, x: Tensor<B, C, H, W>) -> Tensor<B, C, H, W> {
        self.forward(x.reshape([B, C, H * W])).reshape([B, C, H, W])
    }
}

/// Each channel of each example at mean 0 and variance 1: `y = (x - mean) / sqrt(variance + eps)`
/// (Ulyanov et al., "Instance normalization", 2016).
///
/// | | |
/// |---|---|
/// | shapes | `[B, C, L] -> [B, C, L]`; `forward_2d`: `[B, C, H, W] -> [B, C, H, W]` |
/// | parameters | none |
/// | `eps: f64` | 1e-5 |
///
/// PyTorch's `InstanceNorm1d(C)` and `InstanceNorm2d(C)` with their defaults. With factors and biases it is
/// [`GroupNorm<C, C>`](GroupNorm).
///
/// ```
/// use sinew::nn::{InstanceNorm, InstanceNormConfig};
/// use sinew::prelude::*;
///
/// let norm = InstanceNorm::init(&InstanceNormConfig { eps: 0.0 }, 0)?;
/// let y = norm.forward([[[1.0, 3.0], [30.0, 10.0]]])?;
/// assert!(y.iter().eq(&[-1.0, 1.0, 1.0, -1.0]));
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct InstanceNorm {
    /// What keeps the divisor from 0.
    #[default(1e-5)]
    pub eps: f64,
}

#[model(pub)]
impl InstanceNorm {
    /// Each channel of each example normalised over its places: `[B, C, L] -> [B, C, L]`.
    pub fn forward<B, C, L>(&self, x: Tensor<B, C, L>) -> Tensor<B, C, L> {
        let centred = x - x.mean(-1, keepdims = true);
        let variance = centred.square().mean(-1, keepdims = true);
        centred * (variance + self.eps).rsqrt()
    }

    /// The same of images: `[B, C, H, W] -> [B, C, H, W]`.
    pub fn forward_2d<B, C, H, W>(&self, x: Tensor<B, C, H, W>) -> Tensor<B, C, H, W> {
        self.forward(x.reshape([B, C, H * W])).reshape([B, C, H, W])
    }
}
