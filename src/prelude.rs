//! What almost every program uses: `use sinew::prelude::*;`.

pub use crate::nn::Linear;
pub use crate::ops::*;
pub use crate::optim::{Adam, AdamW, Sgd};
pub use crate::{Device, Model, Param, Precision, State, Tensor, model};
