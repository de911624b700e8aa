//! The operations of the language, as items: what `#[model]` functions call by name or as methods.
//!
//! Indices and labels are checked where that costs nothing: an argument of the function that is used as
//! one, or is after views, casts and the addition of a constant, is looked at before the step, and one
//! outside its axis is an error that names it, with the place and the value. Indices that are computed in
//! another way are not: those below 0 count as 0, those past the end as the last one (and [`one_hot`] of
//! either is a row of zeros).
//!
//! # Indices
//!
//! `x[(.., 1..3, 0)]` has a part for each axis, from the left:
//!
//! - an index (`0`, `-1`, `N`, a Rust const), which takes its axis away; negative ones count from the end,
//! - a range (`1..3`, `..-1`, `2..=4`, `FIRST..LAST`). What is a number or a Rust const is checked while your
//!   crate compiles, what is a symbol when it gets its value,
//! - a range with a step, `(1..9).step_by(2)`, or turned round, `(1..9).rev()`, as Rust writes them and in any
//!   order,
//! - `..`, which is a whole axis where there is a part for each axis. With fewer parts than axes, and one `..`,
//!   it stands for all axes between the others, as NumPy's `...` does: `x[(.., 0)]` is of the last axis. Without
//!   a `..`, axes that have no part are whole. A sequence `[S]` is always in what the first `..` stands for,
//! - `None`, a new axis of one index,
//! - a tensor of i32, whose dims take the axis's place: `x[i]` is [`take`]. Several that stand side by side
//!   broadcast, and pick together: `x[(arange(B), labels)]` is an element of each row,
//! - the index of a loop, `x[t]`, or one beside it, `x[t + 1]`.
//!
//! [`set`] and [`add_at`] take an index as their second argument, without brackets.
//!
//! ```
//! use sinew::ndarray::array;
//! use sinew::prelude::*;
//!
//! #[model]
//! fn parts<B, N>(x: Tensor<B, N, 4>, i: Tensor<i32, 3>) -> (Tensor<B, N>, Tensor<N, 2>, Tensor<3, N, 4>) {
//!     (x[(.., -1)], x[(0, .., (..).rev().step_by(2))], x[i])
//! }
//!
//! let x = [[[1.0, 2.0, 3.0, 4.0]], [[5.0, 6.0, 7.0, 8.0]]];
//! let (last, turned, rows) = parts(x, [1, 1, 0])?;
//! assert_eq!(last, array![[4.0], [8.0]]);
//! assert_eq!(turned, array![[4.0, 2.0]]);
//! assert_eq!(rows[(2, 0, 0)], 1.0);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # What is drawn
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
//! let run = noisy::compile().seed(42).build()?;
//! let ones = [[1.0f32; 3]; 2];
//! let (first, _) = run.run(ones)?;
//! let (second, noise) = run.run(ones)?;
//! assert_ne!(first, second);
//! assert!(noise.iter().all(|v| *v != 0.0)); // dropout is for a trainer's steps
//! let again = noisy::compile().seed(42).build()?;
//! assert_eq!(again.run(ones)?.0, first);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Their pages
//!
//! The page of each has its shapes as `[.., M, K], [.., K, N] -> [.., M, N]`: of its tensors in order, and of what it gives,
//! where `..` is any number of dims and a letter a dim that is the same wherever it stands. Among element types,
//! "floats" are the working float, f32 and f64, "numbers" these and i32 and u32, and "any" is also bool; the result has those
//! of the operands unless another is named. A derivative is by x, as a factor or as what becomes of the result's
//! cotangent.
//!
//! # Where they come from
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
///
/// Its parameter is what rustc shows where one stands in a function without the attribute, of which it then tells
/// nothing else: a type without its arguments is an error, and what follows from an error is not told.
pub struct Tensor<const OF_FUNCTIONS_WITH_MODEL_ATTRIBUTE: bool> {
    pub(crate) never: Infallible,
}

/// The tensor that an operation gives, which tells it from the others.
#[doc(hidden)]
pub struct TensorOf<Of> {
    marker: PhantomData<Of>,
}

sinew_macros::operations!();
