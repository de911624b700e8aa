//! Second of three crates: a model over the first one's layers, with the library under another name.

#![deny(warnings, missing_docs, unused, nonstandard_style, rust_2018_idioms)]

use sinew_chain_layers::{Block, WIDTH, sharp, smooth::act};
use tensors::prelude::*;

pub use sinew_chain_layers as layers;

/// Two classes of eight features.
#[model]
#[derive(PartialEq)]
pub struct Classifier {
    /// Features.
    pub block: Block<8>,
    out: Linear<WIDTH, 2>,
}

/// The scores of both classes.
#[model]
pub fn scores<B>(m: &Classifier, x: Tensor<B, 8>) -> Tensor<B, 2> {
    let features = act(m.block.forward(x));
    m.out.forward(sharp::act(features))
}

/// Of the same name as the first crate's, and another number.
const FACTOR: f32 = 3.0;

/// The elements, each by the factors of both crates.
#[model]
pub fn rescaled<S>(x: Tensor<[S], WIDTH>) -> Tensor<[S], WIDTH> {
    layers::scaled(x) * FACTOR + WIDTH
}

/// The sum of what the first crate has bounded.
#[model]
pub fn bounded<N>(x: Tensor<N>) -> Tensor {
    layers::bounded(3.0 * x).sum()
}

/// How often [`scores`] is right: a call of what has no derivative is declared to have none either.
#[model(no_derivative)]
pub fn right<B>(m: &Classifier, x: Tensor<B, 8>, y: Tensor<i32, B>) -> Tensor {
    layers::accuracy(scores(m, x), y)
}

mod losses {
    use super::*;

    /// The cross entropy of [`scores`].
    #[model]
    pub fn loss<B>(m: &Classifier, x: Tensor<B, 8>, y: Tensor<i32, B>) -> Tensor {
        cross_entropy(scores(m, x), y) + penalty(m)
    }

    #[model]
    fn penalty(m: &Classifier) -> Tensor {
        1e-4 * m.block.map.w.square().sum()
    }
}

pub use losses::loss as objective;

/// Everything.
pub mod prelude {
    pub use crate::{Classifier, layers::Factors, objective, scores};
}
