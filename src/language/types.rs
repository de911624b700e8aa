//! Types: tensors, their elements, and dims.
//!
//! # Tensors
//!
//! `Tensor<B, 64>` has two axes, `Tensor<i32, B>` one and elements of i32, `Tensor` alone is a scalar. The element
//! type comes first:
//!
//! | written | elements |
//! |---|---|
//! | left out | the working float: f32, or f64 with [`Precision::F64`](crate::Precision::F64). Operations that take an element type call it `float` |
//! | `f32`, `f64` | floats of that width, whatever the working one is; f64 on the CPU only |
//! | `f16`, `bf16` | floats of 16 bits, computed with in f32 ([halves](super::numbers#halves)) |
//! | `i32`, `u32` | integers |
//! | `bool` | true and false |
//!
//! A type stands for all values of its symbols: a function is checked once, for every size, and compiled for those
//! that come.
//!
//! # Dims
//!
//! | dim | example | meaning |
//! |---|---|---|
//! | literal | `Tensor<B, 64>` | that size |
//! | symbol | `fn f<B>(x: Tensor<B>)` | any size of at least 1, the same wherever the symbol stands |
//! | Rust const | `Tensor<B, WIDTH>`, `Tensor<{ Self::WIDTH }>` | the const's value, which rustc knows |
//! | braces | `Tensor<{ 2 * N + 1 }>`, `Tensor<{ (N - K) / 2 + 1 }>` | `+ - * /` of dims; a quotient is rounded down |
//! | sequence | `Tensor<[S], D>` | any number of dims in front, of any sizes |
//!
//! Two dims are equal if they are for all values of their symbols: `2 * (A + B)` is `2 * A + 2 * B`, and `N / 2 * 2`
//! is not `N`. A size that must divide says so by its form: `Tensor<{ 2 * M }>` is even, and `M` is told by it.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! const WIDTH: usize = 2;
//!
//! #[model]
//! fn pairs<M>(x: Tensor<{ WIDTH * M }>) -> Tensor<M> {
//!     x.reshape([M, WIDTH]).sum(-1)
//! }
//!
//! assert_eq!(pairs([1.0, 2.0, 3.0, 4.0])?, array![3.0, 7.0]);
//! assert!(pairs([1.0, 2.0, 3.0]).is_err());   // 3 is no 2 * M
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! A symbol is a size in the body too, where a number or a shape stands: `zeros([B, 2 * D])`, `x / N`. Sizes divide
//! as integers do in Rust.
//!
//! ```
//! # use sinew::prelude::*;
//! #[model]
//! fn mean<N>(x: Tensor<N>) -> (Tensor, Tensor) {
//!     (x.sum() / N, x.sum() * (N / 2))
//! }
//!
//! assert_eq!(mean([1.0, 2.0, 6.0])?, (3.0, 9.0));
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Sequences
//!
//! `[S]` stands in front of all other dims, once in a type, and a function has one. It is any number of dims, none
//! too. Axes are counted from the right there, since nobody knows how many are on the left. What takes the sequence
//! out of its place is refused.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn normalised<S, D>(x: Tensor<[S], D>) -> Tensor<[S], D> {
//!     x / x.sum(axis = -1, keepdims = true)
//! }
//!
//! #[model]
//! fn of_rows<B>(x: Tensor<B, 2>) -> Tensor<B, 2> {
//!     normalised(x)                           // [S] is [B]
//! }
//!
//! assert_eq!(of_rows([[1.0, 3.0]])?, array![[0.25, 0.75]]);
//! assert_eq!(normalised([1.0, 1.0])?, array![0.5, 0.5].into_dyn());   // [S] is nothing: a result of any rank
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Relations
//!
//! What cannot be told from the types is declared: `where(..)` takes `==`, `<=`, `<`, `>=` and `>` between dims, as
//! many as there are. The body may rely on them. They are checked wherever the values become known: at a call in
//! another model function when it compiles, between Rust consts by rustc, and else when sizes arrive, with an error:
//! those of a model when a trainer or runner of it is built.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model(where(E == H * D, H <= 8))]
//! fn heads<B, E, H, D>(x: Tensor<B, E>, scale: Tensor<H, D>) -> Tensor<B, H, D> {
//!     x.reshape([B, H, D]) * scale
//! }
//!
//! let y = heads([[1.0, 2.0, 3.0, 4.0]], [[1.0, 1.0], [10.0, 10.0]])?;
//! assert_eq!(y, array![[[1.0, 2.0], [30.0, 40.0]]]);
//! assert!(heads([[1.0, 2.0, 3.0]], [[1.0, 1.0]]).is_err());
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! A caller that is checked for all sizes has to know it as well: it declares the same relation, or takes
//! `Tensor<B, { H * D }>`, whose form says it.
