//! Indices: parts of tensors, and updates of parts.
//!
//! `x[..]` has a part for each axis, from the left, several of them in parentheses: `x[(.., 1..3, 0)]`.
//!
//! | part | what it takes |
//! |---|---|
//! | `0`, `N - 1`, `FIRST` | that index; the axis goes |
//! | `-1`, `-N` | counted from the end |
//! | `1..3`, `..-1`, `2..=4`, `FIRST..LAST` | a range; the axis stays |
//! | `(1..9).step_by(2)`, `(..).rev()` | every second of it, backwards; in any order, as Rust's |
//! | `..` | a whole axis, or all axes between the others where there are fewer parts than axes |
//! | `None` | a new axis of one index |
//! | `t`, `t - 1` | the index of a loop, and those beside it |
//! | a tensor of i32 | the slices at its elements: its dims take the axis's place |
//!
//! Axes behind the last part are whole. In front of a sequence `[S]`, the first part is `..`.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn parts<B, D>(x: Tensor<B, { D + 2 }>) -> (Tensor<{ D + 2 }>, Tensor<B>, Tensor<B, D>, Tensor<B, 1, D>) {
//!     (x[0], x[(.., -1)], x[(.., 1..-1)], x[(.., None, 2..)])
//! }
//!
//! let (row, column, middle, new) = parts([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])?;
//! assert_eq!((row, column), (array![1.0, 2.0, 3.0], array![3.0, 6.0]));
//! assert_eq!((middle, new), (array![[2.0], [5.0]], array![[[3.0]], [[6.0]]]));
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! Tensors that stand side by side in an index broadcast and pick together, an element for each of their own. Apart
//! from each other they are refused: `permute` brings their axes together.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn picked<B, C>(x: Tensor<B, C>, labels: Tensor<i32, B>) -> (Tensor<B>, Tensor<B, C>) {
//!     (x[(arange(B), labels)], x[labels])
//! }
//!
//! let (elements, rows) = picked([[1.0, 2.0], [3.0, 4.0]], [1, 1])?;
//! assert_eq!((elements, rows), (array![2.0, 4.0], array![[3.0, 4.0], [3.0, 4.0]]));
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Updates
//!
//! Values do not change, so `x[0] = y` is no assignment: `x.set(0, y)` is x with `y` there, `x.add_at(0, y)` x with
//! `y` added there. Their index is written as in brackets, without them; the update broadcasts to the part.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn updated<N>(x: Tensor<N, 2>, i: Tensor<i32, 3>) -> (Tensor<N, 2>, Tensor<N, 2>) {
//!     (x.set((.., 0), -1), x.add_at(i, 1))
//! }
//!
//! let (set, added) = updated([[1.0, 2.0], [3.0, 4.0]], [1, 1, 0])?;
//! assert_eq!(set, array![[-1.0, 2.0], [-1.0, 4.0]]);
//! assert_eq!(added, array![[2.0, 3.0], [5.0, 6.0]]);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # What is outside
//!
//! | index | checked |
//! |---|---|
//! | literals and consts against literals and consts | when the crate compiles |
//! | with symbols in it | when it compiles if it holds for all sizes or for none, else when sizes arrive |
//! | a tensor that is an argument of the function, or made of one by views, casts, or a constant added (`i + 1`) | before the step or run: an error with the place and the value |
//! | a tensor that is computed otherwise | not: an index below 0 counts as 0, one past the end as the last |
//!
//! A negative element of a tensor of indices does not count from the end.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn given<N>(x: Tensor<N>, i: Tensor<i32, 2>) -> Tensor<2> {
//!     x[i]
//! }
//!
//! #[model]
//! fn computed<N>(x: Tensor<N>, i: Tensor<i32, 2>) -> Tensor<2> {
//!     x[i * 2]
//! }
//!
//! let message = given([1.0, 2.0], [0, 5]).unwrap_err().to_string();
//! assert!(message.contains("`i`") && message.contains('5'), "{message}");
//! assert_eq!(computed([1.0, 2.0], [-9, 9])?, array![1.0, 2.0]);
//! # Ok::<(), sinew::Error>(())
//! ```
