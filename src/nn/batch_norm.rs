//! Normalisation of channels over a batch, with running statistics.

use crate::{Param, State, Tensor, model, ops::training};

/// Channels at mean 0 and variance 1 over the batch, then scaled and moved:
/// `y = (x - mean) / sqrt(variance + eps) w + b` (Ioffe and Szegedy, "Batch normalization", 2015).
///
/// | | |
/// |---|---|
/// | shapes | `[B, C] -> [B, C]`; `forward_1d`: `[B, C, L] -> [B, C, L]` |
/// | `w: [C]` | starts with ones |
/// | `b: [C]` | starts with zeros |
/// | `mean: [C]` | a state, starts with zeros |
/// | `variance: [C]` | a state, starts with ones |
/// | `eps: f64` | 1e-5 |
/// | `momentum: f64` | 0.1 |
///
/// A trainer's steps normalise by mean and variance of the batch, which divides by the number n of elements, and move
/// the states: `mean = (1 - momentum) mean + momentum batch mean`, and the variance likewise towards that which divides
/// by n - 1 (by 1 where n is 1). All other runs normalise by the states. PyTorch's `BatchNorm1d(C)`, whose `forward`
/// takes both shapes.
///
/// ```
/// use sinew::nn::BatchNorm1d;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net {
///     norm: BatchNorm1d<1>,
/// }
///
/// #[model]
/// fn normalised<B>(m: &Net, x: Tensor<B, 1>) -> Tensor<B, 1> {
///     m.norm.forward(x)
/// }
///
/// #[model]
/// fn loss<B>(m: &Net, x: Tensor<B, 1>) -> Tensor {
///     normalised(m, x).square().mean()
/// }
///
/// let mut train = loss::train(Net::init(42)).build()?;
/// train.step([[1.0], [3.0]])?;
/// let norm = train.model()?.norm;
/// assert!((norm.mean.values()[0] - 0.2).abs() < 1e-6);               // a tenth of 2
/// assert!((norm.variance.values()[0] - 1.1).abs() < 1e-6);           // of 1 towards 2
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct BatchNorm1d<C> {
    /// Factors.
    #[init(ones)]
    #[pytorch("weight")]
    pub w: Param<C>,
    /// Biases.
    #[init(zeros)]
    #[pytorch("bias")]
    pub b: Param<C>,
    /// The running mean.
    #[pytorch("running_mean")]
    pub mean: State<C>,
    /// The running variance, that of n - 1.
    #[init(ones)]
    #[pytorch("running_var")]
    pub variance: State<C>,
    /// What keeps the divisor from 0.
    #[default(1e-5)]
    pub eps: f64,
    /// How far the states move towards those of a batch.
    #[default(0.1)]
    pub momentum: f64,
}

#[model(pub)]
impl<C> BatchNorm1d<C> {
    /// Each channel normalised over the batch: `[B, C] -> [B, C]`.
    pub fn forward<B>(&self, x: Tensor<B, C>) -> Tensor<B, C> {
        self.forward_1d(x.unsqueeze(-1)).squeeze(-1)
    }

    /// Each channel normalised over the batch and its places: `[B, C, L] -> [B, C, L]`.
    pub fn forward_1d<B, L>(&self, x: Tensor<B, C, L>) -> Tensor<B, C, L> {
        let mut mean = self.mean;
        let mut variance = self.variance;
        if training() {
            mean = x.mean([0, 2]);
            variance = (x - mean.unsqueeze(-1)).square().mean([0, 2]);
            let unbiased = if B * L > 1 {
                variance * (B * L) / (B * L - 1)
            } else {
                variance
            };
            self.mean = self.mean + self.momentum * (mean - self.mean);
            self.variance = self.variance + self.momentum * (unbiased - self.variance);
        }
        let factor = (variance + self.eps).rsqrt() * self.w;
        (x - mean.unsqueeze(-1)) * factor.unsqueeze(-1) + self.b.unsqueeze(-1)
    }
}

/// [`BatchNorm1d`] of images: each channel at mean 0 and variance 1 over the batch and all places.
///
/// | | |
/// |---|---|
/// | shapes | `[B, C, H, W] -> [B, C, H, W]` |
/// | `w: [C]` | starts with ones |
/// | `b: [C]` | starts with zeros |
/// | `mean: [C]` | a state, starts with zeros |
/// | `variance: [C]` | a state, starts with ones |
/// | `eps: f64` | 1e-5 |
/// | `momentum: f64` | 0.1 |
///
/// ```
/// use sinew::nn::{BatchNorm2d, BatchNorm2dConfig};
/// use sinew::prelude::*;
///
/// let mut norm = BatchNorm2d::init(&BatchNorm2dConfig { C: 1, eps: 0.0, momentum: 0.1 }, 0)?;
/// norm.mean.fill(2.0);
/// norm.variance.fill(4.0);
/// let y = norm.forward([[[[4.0, 2.0]]]])?;            // no step of a trainer: by the states
/// assert!(y.iter().eq(&[1.0, 0.0]));
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct BatchNorm2d<C> {
    /// Factors.
    #[init(ones)]
    #[pytorch("weight")]
    pub w: Param<C>,
    /// Biases.
    #[init(zeros)]
    #[pytorch("bias")]
    pub b: Param<C>,
    /// The running mean.
    #[pytorch("running_mean")]
    pub mean: State<C>,
    /// The running variance, that of n - 1.
    #[init(ones)]
    #[pytorch("running_var")]
    pub variance: State<C>,
    /// What keeps the divisor from 0.
    #[default(1e-5)]
    pub eps: f64,
    /// How far the states move towards those of a batch.
    #[default(0.1)]
    pub momentum: f64,
}

#[model(pub)]
impl<C> BatchNorm2d<C> {
    /// Each channel normalised over the batch and its places: `[B, C, H, W] -> [B, C, H, W]`.
    pub fn forward<B, H, W>(&self, x: Tensor<B, C, H, W>) -> Tensor<B, C, H, W> {
        let mut mean = self.mean;
        let mut variance = self.variance;
        let of_places = x.reshape([B, C, H * W]);
        if training() {
            mean = of_places.mean([0, 2]);
            variance = (of_places - mean.unsqueeze(-1)).square().mean([0, 2]);
            let unbiased = if B * H * W > 1 {
                variance * (B * H * W) / (B * H * W - 1)
            } else {
                variance
            };
            self.mean = self.mean + self.momentum * (mean - self.mean);
            self.variance = self.variance + self.momentum * (unbiased - self.variance);
        }
        let factor = (variance + self.eps).rsqrt() * self.w;
        let y = (of_places - mean.unsqueeze(-1)) * factor.unsqueeze(-1) + self.b.unsqueeze(-1);
        y.reshape([B, C, H, W])
    }
}
