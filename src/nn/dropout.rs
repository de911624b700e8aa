//! Elements left out in training.

use crate::{Tensor, model};

/// Elements left out at random in a trainer's steps: each is 0 with probability `dropout`, and what is kept is divided
/// by `1 - dropout` (Srivastava et al., "Dropout", 2014).
///
/// | | |
/// |---|---|
/// | shapes | `[..] -> [..]` |
/// | parameters | none |
/// | `dropout: f64` | 0.5; from 0 to below 1 |
///
/// In runners and plain calls it is the identity, of which nothing is left in the compiled program. The operation
/// [`dropout`](fn@crate::ops::dropout) does the same by a number; what it draws follows from the seed alone
/// ([`randomness`](crate::language::randomness)). The setting is called as that of
/// [`MultiHeadAttention`](crate::nn::MultiHeadAttention), so that one field of a net sets all.
///
/// ```
/// use sinew::nn::Dropout;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net {
///     out: Linear<4, 2>,
///     drop: Dropout,
///     #[default(0.1)]
///     dropout: f64,
/// }
///
/// #[model]
/// fn out<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 2> {
///     m.out.forward(m.drop.forward(x))
/// }
///
/// let net = Net::init(&NetConfig { dropout: 0.2 }, 42)?;
/// assert_eq!(net.drop.dropout, 0.2);
/// assert_eq!(out(&net, [[1.0; 4]])?.into_dyn(), net.out.forward([[1.0; 4]])?);
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct Dropout {
    /// The probability of leaving an element out.
    #[default(0.5)]
    pub dropout: f64,
}

#[model(pub)]
impl Dropout {
    /// x, with elements left out in a trainer's steps: `[..] -> [..]`.
    pub fn forward<S>(&self, x: Tensor<[S]>) -> Tensor<[S]> {
        x.dropout(self.dropout)
    }
}
