//! What emitted dead code asks of names in `#[model]` items: rustc decides, these word the answer.

use crate::ops::Tensor;
use sinew_runtime::Result;
use std::convert::Infallible;

/// Items that are the operation `Of`, whatever their number of parameters: `ops` has the implementations.
#[diagnostic::on_unimplemented(
    message = "this name is that of an operation, and means an item of yours here",
    label = "not the operation",
    note = "yours is called by a path, `self::f(x)`; the operation by its own in `sinew::ops`, or as a method"
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

#[diagnostic::do_not_recommend]
impl IsTensor for Tensor<true> {}

/// Asks for `IsTensor`: what is taken apart by the name of a struct is of that struct, whose parameters need not be
/// written there.
pub fn tensor<T: IsTensor>(never: Infallible) -> T {
    match never {}
}

/// What a function is called by that has not come to be: where a path in its body leads nowhere, rustc tells that, and
/// would tell of each call through the missing item too.
pub trait Unfinished: Sized {
    /// The name of what is missing; where it is there, it comes first.
    #[doc(hidden)]
    fn __sinew_call<M, A, T>(_: M, _: A) -> Result<T>;
}

#[diagnostic::do_not_recommend]
impl<F> Unfinished for F {
    #[allow(clippy::empty_loop, reason = "no program with it is made")]
    fn __sinew_call<M, A, T>(_: M, _: A) -> Result<T> {
        loop {}
    }
}

/// A type under another name: rustc suggests what returns a struct by its own name to whoever looks for `Net::new`.
pub trait Itself {
    /// The type.
    type This;
}

impl<T> Itself for T {
    type This = T;
}

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

/// What nothing is: it stands where Rust would call a function without saying all sizes.
#[diagnostic::on_unimplemented(
    message = "no argument tells all sizes in the result of `{F}`, so Rust cannot call it",
    label = "it tells none of them",
    note = "a model function can, by `f::<B, 4>(x)`; or take a model or a tensor that has the size"
)]
pub trait TellsAllSizes<F>: Sized {
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
