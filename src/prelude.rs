//! What almost every program uses: `use sinew::prelude::*;`.
//!
//! Of the operations it brings those that every version has brought, so that no function of your own
//! becomes ambiguous next to this glob. Others are methods too, and items of [`ops`](crate::ops).
//!
//! Of the layers it brings [`Linear`]. All others are imported by name, `use sinew::nn::{LayerNorm, Lstm};`, so that a
//! struct of your own may be called as one of them anywhere. One that is called as a type of this glob comes before that
//! in its module (see [`model`] for other modules).

#[doc(hidden)]
pub use crate::names::Unfinished as _;
pub use crate::nn::Linear;
pub use crate::ops::in_prelude::*;
pub use crate::optim::{Adam, AdamW, Sgd};
pub use crate::{Device, Model, Param, Precision, Shared, State, Tensor, model};
