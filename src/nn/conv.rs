//! Convolutions, their transposes, and pools.

use crate::ops::{conv_transpose2d, conv1d, conv2d, max_pool2d};
use crate::{Param, Tensor, model};

/// A convolution of rows, batch first and channels before places, as PyTorch's `Conv1d(C, O, K, Stride, Padding)`.
///
/// | | |
/// |---|---|
/// | shapes | `[B, C, L] -> [B, O, (L + 2 Padding - K) / Stride + 1]` |
/// | `w: [O, C, K]`, `b: [O]` | start uniform on ±1 / sqrt(C K), as those of PyTorch do |
/// | settings | none |
///
/// Other forms (groups, dilation, `"same"`) are those of the operation on the same parameters:
/// [`conv1d(x, m.conv.w, m.conv.b, dilation = 2)`](fn@crate::ops::conv1d).
///
/// ```
/// use sinew::nn::Conv1d;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net {
///     conv: Conv1d<2, 4, 3, 1, 1>,
/// }
///
/// #[model]
/// fn out<B, L>(m: &Net, x: Tensor<B, 2, L>) -> Tensor<B, 4, L> {
///     m.conv.forward(x).relu()
/// }
///
/// assert_eq!(out(&Net::init(42), [[[0.5; 7]; 2]])?.dim(), (1, 4, 7));
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct Conv1d<C, O, K, Stride, Padding> {
    /// The kernels, one for each channel that comes out and each that goes in.
    #[init(fan_in_uniform({ C * K }))]
    #[pytorch("weight")]
    pub w: Param<O, C, K>,
    /// Biases, one for each channel that comes out.
    #[init(fan_in_uniform({ C * K }))]
    #[pytorch("bias")]
    pub b: Param<O>,
}

#[model(pub)]
impl<C, O, K, Stride, Padding> Conv1d<C, O, K, Stride, Padding> {
    /// `[B, C, L] -> [B, O, (L + 2 Padding - K) / Stride + 1]`
    pub fn forward<B, L>(
        &self,
        x: Tensor<B, C, L>,
    ) -> Tensor<B, O, { (L + 2 * Padding - K) / Stride + 1 }> {
        conv1d(x, self.w, self.b, stride = Stride, padding = Padding)
    }
}

/// A convolution of images, batch first and channels before places, as PyTorch's `Conv2d(C, O, K, Stride, Padding)`.
///
/// | | |
/// |---|---|
/// | shapes | `[B, C, H, W] -> [B, O, (H + 2 Padding - K) / Stride + 1, (W + 2 Padding - K) / Stride + 1]` |
/// | `w: [O, C, K, K]`, `b: [O]` | start uniform on ±1 / sqrt(C K K), as those of PyTorch do |
/// | settings | none |
///
/// Other forms (groups, dilation, `"same"`, kernels that are no squares) are those of the operation:
/// [`conv2d(x, m.conv.w, m.conv.b, groups = 4)`](fn@crate::ops::conv2d).
///
/// ```
/// use sinew::nn::{Conv2d, MaxPool2d};
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net {
///     conv: Conv2d<1, 6, 5, 1, 2>,
///     pool: MaxPool2d<2, 2>,
/// }
///
/// #[model]
/// fn out<B>(m: &Net, x: Tensor<B, 1, 28, 28>) -> Tensor<B, 6, 14, 14> {
///     m.pool.forward(m.conv.forward(x).relu())
/// }
///
/// assert_eq!(out(&Net::init(42), [[[[0.5; 28]; 28]]])?.dim(), (1, 6, 14, 14));
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct Conv2d<C, O, K, Stride, Padding> {
    /// The kernels, one for each channel that comes out and each that goes in.
    #[init(fan_in_uniform({ C * K * K }))]
    #[pytorch("weight")]
    pub w: Param<O, C, K, K>,
    /// Biases, one for each channel that comes out.
    #[init(fan_in_uniform({ C * K * K }))]
    #[pytorch("bias")]
    pub b: Param<O>,
}

#[model(pub)]
impl<C, O, K, Stride, Padding> Conv2d<C, O, K, Stride, Padding> {
    /// `[B, C, H, W] -> [B, O, (H + 2 Padding - K) / Stride + 1, (W + 2 Padding - K) / Stride + 1]`
    pub fn forward<B, H, W>(
        &self,
        x: Tensor<B, C, H, W>,
    ) -> Tensor<B, O, { (H + 2 * Padding - K) / Stride + 1 }, { (W + 2 * Padding - K) / Stride + 1 }>
    {
        conv2d(x, self.w, self.b, stride = Stride, padding = Padding)
    }
}

/// The transpose of a convolution of images by its input, as PyTorch's `ConvTranspose2d(C, O, K, Stride, Padding)`: it
/// makes images larger.
///
/// | | |
/// |---|---|
/// | shapes | `[B, C, H, W] -> [B, O, (H - 1) Stride - 2 Padding + K, (W - 1) Stride - 2 Padding + K]` |
/// | `w: [C, O, K, K]`, `b: [O]` | start uniform on ±1 / sqrt(O K K), as those of PyTorch do |
/// | settings | none |
///
/// ```
/// use sinew::nn::ConvTranspose2d;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net {
///     up: ConvTranspose2d<4, 2, 4, 2, 1>,
/// }
///
/// #[model]
/// fn out<B>(m: &Net, x: Tensor<B, 4, 7, 7>) -> Tensor<B, 2, 14, 14> {
///     m.up.forward(x)
/// }
///
/// assert_eq!(out(&Net::init(42), [[[[0.5; 7]; 7]; 4]])?.dim(), (1, 2, 14, 14));
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct ConvTranspose2d<C, O, K, Stride, Padding> {
    /// The kernels, one for each channel that goes in and each that comes out.
    #[init(fan_in_uniform({ O * K * K }))]
    #[pytorch("weight")]
    pub w: Param<C, O, K, K>,
    /// Biases, one for each channel that comes out.
    #[init(fan_in_uniform({ O * K * K }))]
    #[pytorch("bias")]
    pub b: Param<O>,
}

#[model(pub)]
impl<C, O, K, Stride, Padding> ConvTranspose2d<C, O, K, Stride, Padding> {
    /// `[B, C, H, W] -> [B, O, (H - 1) Stride - 2 Padding + K, (W - 1) Stride - 2 Padding + K]`
    pub fn forward<B, H, W>(
        &self,
        x: Tensor<B, C, H, W>,
    ) -> Tensor<B, O, { (H - 1) * Stride - 2 * Padding + K }, { (W - 1) * Stride - 2 * Padding + K }>
    {
        conv_transpose2d(x, self.w, self.b, stride = Stride, padding = Padding)
    }
}

/// The greatest element of windows of K by K, `Stride` apart, as PyTorch's `MaxPool2d(K, Stride)`:
/// `[B, C, H, W] -> [B, C, (H - K) / Stride + 1, (W - K) / Stride + 1]`. It has no parameters; the operation
/// [`max_pool2d`](fn@crate::ops::max_pool2d) does the same.
///
/// ```
/// use sinew::nn::MaxPool2d;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net {
///     pool: MaxPool2d<2, 2>,
///     #[init(ones)]
///     scale: Param,
/// }
///
/// #[model]
/// fn out(m: &Net, x: Tensor<1, 1, 2, 4>) -> Tensor<1, 1, 1, 2> {
///     m.pool.forward(x) * m.scale
/// }
///
/// let x = [[[[1.0, 2.0, 5.0, 6.0], [4.0, 3.0, 8.0, 7.0]]]];
/// assert_eq!(out(&Net::init(0), x)?.into_raw_vec_and_offset().0, [4.0, 8.0]);
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct MaxPool2d<K, Stride> {}

#[model(pub)]
impl<K, Stride> MaxPool2d<K, Stride> {
    /// `[B, C, H, W] -> [B, C, (H - K) / Stride + 1, (W - K) / Stride + 1]`
    pub fn forward<B, C, H, W>(
        &self,
        x: Tensor<B, C, H, W>,
    ) -> Tensor<B, C, { (H - K) / Stride + 1 }, { (W - K) / Stride + 1 }> {
        max_pool2d(x, K, stride = Stride)
    }
}
