//! A map of two inputs, linear in each.

use crate::{Param, Tensor, model, ops::einsum};

/// A map of two inputs that is linear in each: `y[o] = sum over i, j of x[i] w[o, i, j] z[j] + b[o]`, for each index of
/// the axes in front.
///
/// | | |
/// |---|---|
/// | shapes | `[.., I], [.., J] -> [.., O]` |
/// | `w: [O, I, J]`, `b: [O]` | start uniform on ±1 / sqrt(I), `fan_in_uniform(I)`, as PyTorch's `Bilinear` does |
/// | settings | none |
///
/// The weights have the axes of PyTorch's.
///
/// ```
/// use sinew::nn::Bilinear;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net {
///     score: Bilinear<2, 3, 1>,
/// }
///
/// #[model]
/// fn scores<B>(m: &Net, x: Tensor<B, 2>, z: Tensor<B, 3>) -> Tensor<B, 1> {
///     m.score.forward(x, z)
/// }
///
/// let mut net = Net::init(42);
/// net.score.w.set([[[1.0, 0.0, 0.0], [0.0, 0.0, 10.0]]])?;
/// net.score.b.fill(0.5);
/// assert_eq!(scores(&net, [[2.0, 3.0]], [[1.0, 7.0, 2.0]])?[(0, 0)], 2.0 + 60.0 + 0.5);
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct Bilinear<I, J, O> {
    /// Weights, a matrix of both inputs for each output.
    #[init(fan_in_uniform(I))]
    #[pytorch("weight")]
    pub w: Param<O, I, J>,
    /// Biases.
    #[init(fan_in_uniform(I))]
    #[pytorch("bias")]
    pub b: Param<O>,
}

#[model(pub)]
impl<I, J, O> Bilinear<I, J, O> {
    /// Both inputs mapped for each index of the leading dims: `[.., I], [.., J] -> [.., O]`.
    pub fn forward<S>(&self, x: Tensor<[S], I>, z: Tensor<[S], J>) -> Tensor<[S], O> {
        einsum("...i,oij,...j->...o", x, self.w, z) + self.b
    }
}
