//! What emitted dead code asks of names in `#[model]` items: rustc decides, these word the answer.

use crate::ops::Tensor;

/// Items that are the operation `Of`, whatever their number of parameters: `ops` has the implementations.
#[diagnostic::on_unimplemented(
    message = "this name is that of an operation, and means an item of yours here",
    label = "not the operation",
    note = "rename the item, or call the operation by its path in `sinew::ops`, or as a method"
)]
pub trait Operation<Of, Parameters> {}

/// Asks for `Operation`.
pub fn operation<Of, Parameters, F: Operation<Of, Parameters>>(_: F) {}

/// The library's own [`Tensor`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is an item of yours here, not Sinew's `Tensor`",
    label = "not `sinew::Tensor`",
    note = "rename the item, or write `sinew::Tensor<..>`"
)]
pub trait IsTensor {}

impl<Of> IsTensor for Tensor<Of> {}

/// Asks for `IsTensor`.
pub fn tensor<T: IsTensor>() {}
