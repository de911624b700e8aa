//! Vectors by index.

use crate::{Param, Tensor, model, ops::where_};

/// A vector for each index: `y = w[i]`.
///
/// | | |
/// |---|---|
/// | shapes | `[..]` of i32 `-> [.., D]` |
/// | `w: [V, D]` | starts normal with deviation 1, `normal(1.0)`, as PyTorch's `Embedding` does |
/// | settings | none |
///
/// Indices are from 0 to below V: [`ops`](crate::ops) says which are checked. With an index that stands for nothing it is
/// [`PaddedEmbedding`].
///
/// ```
/// use sinew::nn::Embedding;
/// use sinew::ndarray::array;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Words {
///     embedding: Embedding<3, 2>,
/// }
///
/// #[model]
/// fn embedded<B, T>(m: &Words, i: Tensor<i32, B, T>) -> Tensor<B, T, 2> {
///     m.embedding.forward(i)
/// }
///
/// let mut words = Words::init(42);
/// words.embedding.w.set([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])?;
/// assert_eq!(embedded(&words, [[2, 0]])?, array![[[5.0, 6.0], [1.0, 2.0]]]);
/// assert!(embedded(&words, [[3, 0]]).is_err());
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct Embedding<V, D> {
    /// A row for each index.
    #[init(normal(1.0))]
    #[pytorch("weight")]
    pub w: Param<V, D>,
}

#[model(pub)]
impl<V, D> Embedding<V, D> {
    /// The row of each index: `[..]` of i32 `-> [.., D]`.
    pub fn forward<S>(&self, i: Tensor<i32, [S]>) -> Tensor<[S], D> {
        self.w.take(i, 0)
    }
}

/// A vector for each index, and zeros for one that stands for nothing: `y = w[i]`, or 0 where i is `padding_index`.
///
/// | | |
/// |---|---|
/// | shapes | `[..]` of i32 `-> [.., D]` |
/// | `w: [V, D]` | starts normal with deviation 1, `normal(1.0)`, as PyTorch's `Embedding` does |
/// | `padding_index: usize` | 0; which row is not used |
///
/// It is PyTorch's `Embedding(.., padding_idx=..)` as that starts: the padding gives zeros, and its row gets no
/// gradient. Here it gives zeros whatever its row holds, which is drawn as the others are and never read; so a file of
/// PyTorch's whose row of the padding was set to something else gives other values.
///
/// ```
/// use sinew::nn::PaddedEmbedding;
/// use sinew::ndarray::array;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Words {
///     embedding: PaddedEmbedding<3, 2>,
/// }
///
/// #[model]
/// fn embedded<T>(m: &Words, i: Tensor<i32, T>) -> Tensor<T, 2> {
///     m.embedding.forward(i)
/// }
///
/// let mut words = Words::init(42);
/// words.embedding.w.fill(1.0);
/// assert_eq!(embedded(&words, [2, 0])?, array![[1.0, 1.0], [0.0, 0.0]]);
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct PaddedEmbedding<V, D> {
    /// A row for each index.
    #[init(normal(1.0))]
    #[pytorch("weight")]
    pub w: Param<V, D>,
    /// The index that gives zeros.
    #[default(0)]
    pub padding_index: usize,
}

#[model(pub)]
impl<V, D> PaddedEmbedding<V, D> {
    /// The row of each index, zeros for `padding_index`: `[..]` of i32 `-> [.., D]`.
    pub fn forward<S>(&self, i: Tensor<i32, [S]>) -> Tensor<[S], D> {
        let padding = (i == self.padding_index).unsqueeze(-1);
        where_(padding, 0, self.w.take(i, 0))
    }
}
