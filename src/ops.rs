//! The operations of the language, as items: what `#[model]` functions call by name or as methods.
//!
//! Indices and labels are checked where that costs nothing: an argument of the function that is used as
//! one is looked at before the step, and one outside its axis is an error that names it, with the place
//! and the value. Indices that are computed in the function are not: those below 0 count as 0, those
//! past the end as the last one (and [`one_hot`] of either is a row of zeros).
//!
//! Each is declared in `sinew-macros`, from which the items here are made: names of parameters are those
//! by which arguments may be given, and what stands behind a `=` is what they are without one.
//!
//! They are computed nowhere here: a [`Tensor`] exists in model functions only, so none of these can be
//! called from Rust. `#[model]` uses each item that a body names, so that rustc decides what the name
//! means where an item of yours has it too.

use std::convert::Infallible;
use std::marker::PhantomData;

/// The type of tensors in `#[model]` functions: `Tensor<B, 64>`, `Tensor<i32, B>`, `Tensor<[S], D>`.
///
/// Rust code never holds one: outside, tensors are `ndarray` arrays.
pub struct Tensor<Of = ()> {
    never: Infallible,
    marker: PhantomData<Of>,
}

sinew_macros::operations!();
