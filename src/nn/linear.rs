//! Affine and linear maps.

use crate::{Param, Tensor, model, ops::matmul};

/// An affine map of the last axis: `y = x w + b`, for each index of the axes in front.
///
/// | | |
/// |---|---|
/// | shapes | `[.., I] -> [.., O]` |
/// | `w: [I, O]`, `b: [O]` | start uniform on ±1 / sqrt(I), `fan_in_uniform(I)`, as PyTorch's `Linear` does |
/// | settings | none |
///
/// The weights are inputs by outputs, the transpose of those of PyTorch's `Linear`. Without biases it is
/// [`LinearNoBias`].
///
/// ```
/// use sinew::prelude::*;
///
/// #[model]
/// struct Digits {
///     hidden: Linear<64, 32>,
///     out: Linear<32, 10>,
/// }
///
/// #[model]
/// fn logits<B>(m: &Digits, x: Tensor<B, 64>) -> Tensor<B, 10> {
///     m.out.forward(m.hidden.forward(x).relu())
/// }
///
/// let model = Digits::init(42);
/// assert_eq!(model.hidden.w.shape(), [64, 32]);
/// assert!(model.hidden.w.values().iter().all(|w| w.abs() <= 0.125));
/// assert!(model.hidden.b.values().iter().all(|b| b.abs() <= 0.125));
/// ```
#[model(methods)]
pub struct Linear<I, O> {
    /// Weights, a row for each input.
    #[init(fan_in_uniform(I))]
    #[pytorch("weight", transposed)]
    pub w: Param<I, O>,
    /// Biases.
    #[init(fan_in_uniform(I))]
    #[pytorch("bias")]
    pub b: Param<O>,
}

#[model(pub)]
impl<I, O> Linear<I, O> {
    /// `x w + b` for each index of the leading dims: `[.., I] -> [.., O]`.
    ///
    /// ```
    /// # use sinew::ndarray::array;
    /// # use sinew::prelude::*;
    /// #[model]
    /// fn mapped<B>(m: &Linear<2, 1>, x: Tensor<B, 2>) -> Tensor<B, 1> {
    ///     m.forward(x)
    /// }
    ///
    /// let mut m = Linear::init(&sinew::nn::LinearConfig { I: 2, O: 1 }, 0)?;
    /// m.w.set([[1.0], [10.0]])?;
    /// m.b.set([0.5])?;
    /// assert_eq!(mapped(&m, [[2.0, 3.0]])?, array![[32.5]]);
    /// # Ok::<(), sinew::Error>(())
    /// ```
    pub fn forward<S>(&self, x: Tensor<[S], I>) -> Tensor<[S], O> {
        matmul(x, self.w) + self.b
    }
}

/// A linear map of the last axis, without biases: `y = x w`, for each index of the axes in front.
///
/// | | |
/// |---|---|
/// | shapes | `[.., I] -> [.., O]` |
/// | `w: [I, O]` | starts uniform on ±1 / sqrt(I), `fan_in_uniform(I)`, as PyTorch's `Linear` does |
/// | settings | none |
///
/// It is PyTorch's `Linear(.., bias=False)`, its weights transposed.
///
/// ```
/// use sinew::nn::LinearNoBias;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net {
///     map: LinearNoBias<2, 1>,
/// }
///
/// #[model]
/// fn out<B>(m: &Net, x: Tensor<B, 2>) -> Tensor<B, 1> {
///     m.map.forward(x)
/// }
///
/// let mut net = Net::init(42);
/// net.map.w.set([[1.0], [10.0]])?;
/// assert_eq!(out(&net, [[2.0, 3.0]])?[(0, 0)], 32.0);
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct LinearNoBias<I, O> {
    /// Weights, a row for each input.
    #[init(fan_in_uniform(I))]
    #[pytorch("weight", transposed)]
    pub w: Param<I, O>,
}

#[model(pub)]
impl<I, O> LinearNoBias<I, O> {
    /// `x w` for each index of the leading dims: `[.., I] -> [.., O]`.
    pub fn forward<S>(&self, x: Tensor<[S], I>) -> Tensor<[S], O> {
        matmul(x, self.w)
    }
}
