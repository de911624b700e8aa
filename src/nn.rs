//! Layers, written in the language itself.

use crate::prelude::*;

/// An affine map of the last axis: `x @ w + b`.
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
/// ```
#[model(methods)]
pub struct Linear<I, O> {
    /// Weights, a row for each input.
    #[init(kaiming_uniform)]
    pub w: Param<I, O>,
    /// Biases.
    #[init(zeros)]
    pub b: Param<O>,
}

#[model(pub)]
impl<I, O> Linear<I, O> {
    /// `x @ w + b` for each index of the leading dims.
    pub fn forward<S>(&self, x: Tensor<[S], I>) -> Tensor<[S], O> {
        matmul(x, self.w) + self.b
    }
}
