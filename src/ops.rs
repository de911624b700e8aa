//! The operations of the language, as items: what `#[model]` functions call by name or as methods.
//!
//! Indices and labels are checked where that costs nothing: an argument of the function that is used as
//! one is looked at before the step, and one outside its axis is an error that names it, with the place
//! and the value. Indices that are computed in the function are not: those below 0 count as 0, those
//! past the end as the last one (and [`one_hot`] of either is a row of zeros).
//!
//! What [`dropout`], [`uniform`], [`randn`], [`bernoulli`] and [`randint`] draw follows from the seed of the
//! trainer or runner, the number of its step or run, the place of the call in the program, the iteration of
//! the loops around it (of which it counts 2^32), and the element's row-major index: Threefry-2x32 with 20
//! rounds (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011). So the same seed draws the
//! same on every device and for any number of threads, to the last bit where no logarithm or scaling of an
//! interval rounds. A place is told by its order among the draws of its function, and by the calls on the way
//! to it, among those that draw: other operations do not count.
//!
//! ```
//! use sinew::ops::{randn, uniform};
//! use sinew::prelude::*;
//!
//! #[model]
//! fn noisy<B, D>(x: Tensor<B, D>) -> (Tensor<B, D>, Tensor<B, D>) {
//!     let scaled = x * uniform([B, 1], 0.9, 1.1);
//!     (scaled, (x + 0.1 * randn([B, D])).dropout(0.5))
//! }
//!
//! let mut run = noisy::compile().seed(42).build()?;
//! let ones = [[1.0f32; 3]; 2];
//! let (first, _) = run.run(ones)?;
//! let (second, noise) = run.run(ones)?;
//! assert_ne!(first, second);
//! assert!(noise.iter().all(|v| *v != 0.0)); // dropout is for a trainer's steps
//! let mut again = noisy::compile().seed(42).build()?;
//! assert_eq!(again.run(ones)?.0, first);
//! # Ok::<(), sinew::Error>(())
//! ```
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
