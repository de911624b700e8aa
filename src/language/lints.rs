//! Lints: what is legal, and rarely meant.
//!
//! Each is a warning of rustc's at the place, in the text of which its name stands. `#[model(allow(name))]` on a
//! function, an `impl` or a module silences it there.
//!
//! | name | what it is about | what is meant, mostly |
//! |---|---|---|
//! | `broadcast_of_both` | `pred - y` of `[B, 1]` and `[B]` is `[B, B]`: every row with every other | `y.unsqueeze(1)`, or `pred` without its axis |
//! | `softmax_before_cross_entropy` | `cross_entropy` takes scores, and has the softmax in it | the scores |
//! | `log_of_softmax` | the logarithm of a probability that came out as 0 is minus infinity | `x.log_softmax()` |
//! | `unused_symbol` | a size that is declared and named nowhere else | none |
//! | `parameter_without_influence` | `loss::train(..)`, where `loss` neither uses a parameter of its first model in what has a derivative nor passes it on | to use it, or a model without it |
//!
//! What a body does not use (`let`s, arguments, parameters of the model) has rustc's own lints, `unused_variables`
//! among them, which `#[allow(..)]` silences as in any function, or a name that begins with `_`.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model(allow(broadcast_of_both))]
//! fn differences<B>(x: Tensor<B, 1>, y: Tensor<B>) -> Tensor<B, B> {
//!     x - y
//! }
//!
//! assert_eq!(differences([[1.0], [2.0]], [1.0, 2.0])?, array![[0.0, -1.0], [1.0, 0.0]]);
//! # Ok::<(), sinew::Error>(())
//! ```
