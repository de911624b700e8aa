//! Third of three crates: uses the second one's model through its prelude, and the first one's layers.

#![deny(warnings, missing_docs, unused, nonstandard_style, rust_2018_idioms)]

use sinew::prelude::*;
use sinew_chain_model::{prelude::*, right};

/// The second crate's model with factors of its inputs.
#[model]
pub struct Scaled {
    /// Factors of the inputs.
    pub inputs: Factors<8>,
    /// The model.
    pub model: Classifier,
}

/// The second crate's loss of scaled inputs.
#[model]
pub fn loss<B>(m: &Scaled, x: Tensor<B, 8>, y: Tensor<i32, B>) -> Tensor {
    objective(&m.model, m.inputs.forward(x), y)
}

/// The second crate's loss, and how often it is right, of which nothing is differentiated.
///
/// ```
/// use sinew::prelude::*;
/// use sinew_chain_model::{Classifier, objective, right};
///
/// #[model]
/// fn loss<B>(m: &Classifier, x: Tensor<B, 8>, y: Tensor<i32, B>) -> Tensor {
///     objective(m, x, y) + stop_gradient(right(m, x, y))
/// }
/// ```
///
/// Two crates away, and two calls from what has no derivative, it is refused where one is needed:
///
/// ```compile_fail
/// use sinew::prelude::*;
/// use sinew_chain_model::{Classifier, objective, right};
///
/// #[model]
/// fn loss<B>(m: &Classifier, x: Tensor<B, 8>, y: Tensor<i32, B>) -> Tensor {
///     objective(m, x, y) + right(m, x, y)
/// }
/// ```
#[model]
pub fn told<B>(m: &Classifier, x: Tensor<B, 8>, y: Tensor<i32, B>) -> (Tensor, Tensor) {
    (objective(m, x, y), stop_gradient(right(m, x, y)))
}

/// The probability of the second class.
#[model]
pub fn probability<B>(m: &Scaled, x: Tensor<B, 8>) -> Tensor<B> {
    let s = scores(
        &m.model,
        sinew_chain_model::layers::Factors::forward(&m.inputs, x),
    );
    s.softmax()[(.., 1)]
}
