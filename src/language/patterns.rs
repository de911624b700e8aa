//! Patterns: axes by name, in string literals that are checked when the crate compiles.
//!
//! # einsum
//!
//! [`einsum`](fn@crate::ops::einsum) multiplies up to eight tensors. A letter names an axis, and stands for one size
//! wherever it stands.
//!
//! | form | meaning |
//! |---|---|
//! | `"ij,jk->ik"` | letters that are not behind `->` are summed over |
//! | `"ii->i"`, `"ii->"` | a letter twice in an operand takes the diagonal |
//! | `"...d,de->...e"` | `...` is all axes without a letter; they broadcast |
//! | `"ij,jk"` | without `->`: the letters that occur once, in alphabetical order |
//! | `"a,b->ab"` | nothing is summed: all products |
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn products<A, B>(x: Tensor<A, B>, y: Tensor<B>) -> (Tensor<A>, Tensor<A, A>, Tensor) {
//!     let gram = einsum("ib,jb->ij", x, x);
//!     (einsum("ab,b->a", x, y), gram, einsum("ii->", gram))
//! }
//!
//! let (rows, gram, trace) = products([[1.0, 2.0], [0.0, 3.0]], [1.0, 10.0])?;
//! assert_eq!((rows, trace), (array![21.0, 30.0], 14.0));
//! assert_eq!(gram, array![[5.0, 6.0], [6.0, 9.0]]);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! The order of several products is the cheapest one, which is searched for when the crate compiles.
//!
//! # rearrange, reduce, repeat
//!
//! Names are axes, apart by spaces; those in parentheses are one axis, split on the left and merged on the right.
//!
//! | form | meaning |
//! |---|---|
//! | `x.rearrange("b t d -> t b d")` | another order |
//! | `x.rearrange("b (h d) -> b h d", h = 4)` | an axis split; all sizes in the parentheses but one are given |
//! | `x.rearrange("b h d -> b (h d)")` | axes merged |
//! | `x.reduce("b (t 2) d -> b t d", "max")` | axes that the right side lacks are reduced; a number is such an axis too |
//! | `x.repeat("b d -> b t d", t = T)` | axes that the left side lacks repeat |
//! | `1`, `()` | an axis of one index |
//! | `...` | all axes without a name |
//!
//! A name that is a symbol of the function needs no size: it has one.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn arranged<T, D>(x: Tensor<T, { 2 * D }>) -> (Tensor<2, T, D>, Tensor<T>, Tensor<T, 2, { 2 * D }>) {
//!     (
//!         x.rearrange("t (h d) -> h t d", h = 2),
//!         x.reduce("t d -> t", "mean"),
//!         x.repeat("t d -> t n d", n = 2),
//!     )
//! }
//!
//! let (heads, means, twice) = arranged([[1.0, 2.0, 3.0, 4.0]])?;
//! assert_eq!(heads, array![[[1.0, 2.0]], [[3.0, 4.0]]]);
//! assert_eq!(means, array![2.5]);
//! assert_eq!(twice.shape(), [1, 2, 4]);
//! # Ok::<(), sinew::Error>(())
//! ```
