//! Bodies: statements, operators, and operations with their arguments.
//!
//! # Statements
//!
//! | form | meaning |
//! |---|---|
//! | `let y = x.exp();` | a name for a value |
//! | `let y: Tensor<B, 10> = ..;` | the same, and its type is checked |
//! | `let (a, b) = pair;`, `pair.0` | parts of a tuple; `_` for one that is not needed |
//! | `let y = { let z = x + 1; z * z };` | a block, whose names end with it |
//! | `let mut h = x;`, `h = h + 1;`, `h += 1;` | a variable that changes: see [`loops`](super::loops) |
//! | `m.mean = ..;` | a state: see [`states`](super::states) |
//! | `for`, `if`, `match` | [`loops`](super::loops), [`configuration`](super::configuration#choices) |
//! | `return y` | as the last expression of the body only |
//!
//! Values never change: `let` names them, shadowing names another. There is nothing to copy, to borrow or to move;
//! `&` in front of a value means nothing, and a value may be used as often as one likes. A value that is computed and
//! not used is an error, since there are no effects.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn parts<B, D>(x: Tensor<B, D>) -> Tensor<B, D> {
//!     let mean: Tensor<B, 1> = x.mean(axis = -1, keepdims = true);
//!     let (low, high) = {
//!         let centred = x - mean;
//!         (minimum(centred, 0), maximum(centred, 0))
//!     };
//!     let pair = (high, low * 10);
//!     pair.0 + pair.1
//! }
//!
//! assert_eq!(parts([[1.0, 3.0]])?, array![[-10.0, 1.0]]);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Operators
//!
//! | operator | of | gives |
//! |---|---|---|
//! | `+ - *`, `-x` | numbers | the same |
//! | `/` | floats | the same; of integers it is refused |
//! | `%` | numbers | the same, with the sign of the divisor |
//! | `< <= > >=` | numbers | bools |
//! | `== !=` | any of one type | bools |
//! | `&& \|\| !` | bools | bools, of each element: both sides are computed |
//! | `& \| ^` | integers, or bools | the same |
//! | `<< >>` | integers | the same; the places are taken modulo 32 |
//!
//! Operands broadcast, and have one element type ([`numbers`](super::numbers)). Precedence is Rust's, so comparisons
//! do not chain. There is no `**`: `x.pow(2.5)`, `x.powi(3)`, `x.square()`; no `@`:
//! [`matmul`](fn@crate::ops::matmul).
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn inside<N>(x: Tensor<N>, i: Tensor<i32, N>) -> (Tensor<bool, N>, Tensor<i32, N>) {
//!     (0 < x && !(x >= 1), (i & 6) << 1)
//! }
//!
//! let (inside, bits) = inside([0.5, 2.0], [7, 8])?;
//! assert_eq!((inside, bits), (array![true, false], array![12, 0]));
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Operations
//!
//! An operation is a function and a method: `softmax(x)`, `x.softmax()`, `sinew::ops::softmax(x)`. A few are
//! functions alone, since no tensor stands in front: `zeros([B, D])`, `concat([x, y])`, `einsum("ij->ji", x)`.
//!
//! Arguments are given in order, or by name in any order behind those: `x.sum(-1, keepdims = true)`,
//! `cross_entropy(x, y, reduction = "sum")`. What is left out is as the page of the operation says. Names are for
//! operations only: model functions take their arguments in order.
//!
//! | argument | written |
//! |---|---|
//! | a tensor | any expression; a number, a size or a const becomes a scalar |
//! | an axis | a literal integer: `0`, `-1` for the last |
//! | axes | a list of them: `[0, -1]` |
//! | a shape | a list of dims: `[B, 2 * D]`, `[[S], D]`; with `-1` for one that is inferred in `reshape` and `expand` |
//! | a number | a literal, a const or a setting |
//! | a text | a string literal: `"sum"` |
//! | a flag | `true` or `false` |
//! | an element type | `float`, `f32`, `f64`, `f16`, `bf16`, `i32`, `u32`, `bool` |
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn sums<B, D>(x: Tensor<B, D>) -> (Tensor<B, 1>, Tensor, Tensor<D, B>) {
//!     let rows = sum(x, keepdims = true, axis = -1);
//!     (rows, x.sum([0, 1]), x.t() * full([D, B], 0.5))
//! }
//!
//! let (rows, all, turned) = sums([[1.0, 2.0], [3.0, 4.0]])?;
//! assert_eq!(rows, array![[3.0], [7.0]]);
//! assert_eq!((all, turned), (10.0, array![[0.5, 1.5], [1.0, 2.0]]));
//! # Ok::<(), sinew::Error>(())
//! ```
