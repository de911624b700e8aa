//! Layers, written in the language itself.
//!
//! Each says its formula and its source, the shapes of its parameters and of what it takes and gives, how its
//! parameters start ([`initialisers`](crate::language::initialisers) has the formulas), and its defaults.

use crate::{Param, Tensor, model, ops::matmul};

/// An affine map of the last axis: `y = x w + b`, for each index of the axes in front.
///
/// | | |
/// |---|---|
/// | shapes | `[.., I] -> [.., O]` |
/// | `w: [I, O]` | starts uniform on ±sqrt(6 / I), `kaiming_uniform` (He et al., "Delving deep into rectifiers", 2015): of the right spread in front of a ReLU |
/// | `b: [O]` | starts with zeros |
/// | settings | none |
///
/// The weights are inputs by outputs, the transpose of those of PyTorch's `Linear`, which start within ±sqrt(1 / I), as
/// its biases do.
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
/// assert!(model.hidden.w.values().iter().all(|w| w.abs() <= (6f32 / 64.0).sqrt()));
/// assert!(model.hidden.b.values().iter().all(|b| *b == 0.0));
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
