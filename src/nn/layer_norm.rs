//! Normalisation of each vector along the last axis.

use crate::{Param, Tensor, model};

/// The last axis at mean 0 and variance 1, then scaled and moved:
/// `y = (x - mean) / sqrt(variance + eps) w + b` (Ba et al., "Layer normalization", 2016).
///
/// | | |
/// |---|---|
/// | shapes | `[.., D] -> [.., D]` |
/// | `w: [D]` | starts with ones |
/// | `b: [D]` | starts with zeros |
/// | `eps: f64` | 1e-5 |
///
/// Mean and variance are those of each vector; the variance divides by D. PyTorch's `LayerNorm(D)`; without `w` and `b`
/// it is [`LayerNormNoAffine`].
///
/// ```
/// use sinew::nn::{LayerNorm, LayerNormConfig};
/// use sinew::prelude::*;
///
/// let norm = LayerNorm::init(&LayerNormConfig { D: 2, eps: 0.0 }, 0)?;
/// assert!(norm.forward([[1.0, 3.0], [5.0, 1.0]])?.iter().eq(&[-1.0, 1.0, 1.0, -1.0]));
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct LayerNorm<D> {
    /// Factors.
    #[init(ones)]
    #[pytorch("weight")]
    pub w: Param<D>,
    /// Biases.
    #[init(zeros)]
    #[pytorch("bias")]
    pub b: Param<D>,
    /// What keeps the divisor from 0.
    #[default(1e-5)]
    pub eps: f64,
}

#[model(pub)]
impl<D> LayerNorm<D> {
    /// Each vector along the last axis normalised, scaled and moved: `[.., D] -> [.., D]`.
    pub fn forward<S>(&self, x: Tensor<[S], D>) -> Tensor<[S], D> {
        let centred = x - x.mean(-1, keepdims = true);
        let variance = centred.square().mean(-1, keepdims = true);
        centred * (variance + self.eps).rsqrt() * self.w + self.b
    }
}

/// The last axis at mean 0 and variance 1: `y = (x - mean) / sqrt(variance + eps)`.
///
/// | | |
/// |---|---|
/// | shapes | `[.., D] -> [.., D]` |
/// | parameters | none |
/// | `eps: f64` | 1e-5 |
///
/// PyTorch's `LayerNorm(.., elementwise_affine=False)`.
///
/// ```
/// use sinew::nn::{LayerNormNoAffine, LayerNormNoAffineConfig};
/// use sinew::prelude::*;
///
/// let norm = LayerNormNoAffine::init(&LayerNormNoAffineConfig { eps: 0.0 }, 0)?;
/// assert!(norm.forward([1.0, 3.0])?.iter().eq(&[-1.0, 1.0]));
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct LayerNormNoAffine {
    /// What keeps the divisor from 0.
    #[default(1e-5)]
    pub eps: f64,
}

#[model(pub)]
impl LayerNormNoAffine {
    /// Each vector along the last axis normalised: `[.., D] -> [.., D]`.
    pub fn forward<S, D>(&self, x: Tensor<[S], D>) -> Tensor<[S], D> {
        let centred = x - x.mean(-1, keepdims = true);
        let variance = centred.square().mean(-1, keepdims = true);
        centred * (variance + self.eps).rsqrt()
    }
}

/// The last axis at a mean square of 1, then scaled: `y = x / sqrt(mean of x^2 + eps) w`
/// (Zhang and Sennrich, "Root mean square layer normalization", 2019).
///
/// | | |
/// |---|---|
/// | shapes | `[.., D] -> [.., D]` |
/// | `w: [D]` | starts with ones |
/// | `eps: f64` | 1e-6 |
///
/// PyTorch's `RMSNorm(D)`, whose eps is that of the element type (1.2e-7 of f32) where none is given.
///
/// ```
/// use sinew::nn::{RmsNorm, RmsNormConfig};
/// use sinew::prelude::*;
///
/// let norm = RmsNorm::init(&RmsNormConfig { D: 2, eps: 0.0 }, 0)?;
/// let y = norm.forward([1.0, 7.0])?;
/// assert!((y[0] - 0.2).abs() < 1e-6 && (y[1] - 1.4).abs() < 1e-6);
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct RmsNorm<D> {
    /// Factors.
    #[init(ones)]
    #[pytorch("weight")]
    pub w: Param<D>,
    /// What keeps the divisor from 0.
    #[default(1e-6)]
    pub eps: f64,
}

#[model(pub)]
impl<D> RmsNorm<D> {
    /// Each vector along the last axis divided by its root mean square, and scaled: `[.., D] -> [.., D]`.
    pub fn forward<S>(&self, x: Tensor<[S], D>) -> Tensor<[S], D> {
        x * (x.square().mean(-1, keepdims = true) + self.eps).rsqrt() * self.w
    }
}
