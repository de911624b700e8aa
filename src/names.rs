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

/// What nothing is: it stands where a function without a model would be trained.
#[diagnostic::on_unimplemented(
    message = "`{F}` takes no model that could be trained",
    label = "it has no `train`",
    note = "give it one as a parameter: `m: &Net`"
)]
pub trait HasAModel<F>: Sized {
    /// Anything, of nothing.
    fn never<T>(self) -> T;
}

/// What nothing is: it stands where a function that has no derivative would be trained.
#[diagnostic::on_unimplemented(
    message = "`{F}` is declared with `no_derivative`, so it cannot be trained",
    label = "it has no `train`",
    note = "take that away, or train another function"
)]
pub trait HasADerivative<F>: Sized {
    /// Anything, of nothing.
    fn never<T>(self) -> T;
}

/// What nothing is: it stands where a function that gives no loss would be trained.
#[diagnostic::on_unimplemented(
    message = "the (first) result of `{F}` is no loss: that is one number of the working float, `Tensor`",
    label = "it has no `train`",
    note = "train a function that returns such a number, as `.mean()` or `mse(y, target)` give it; further results behind it are reported"
)]
pub trait GivesALoss<F>: Sized {
    /// Anything, of nothing.
    fn never<T>(self) -> T;
}
