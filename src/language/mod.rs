//! The language of model functions, form by form.
//!
//! What `#[model]` takes is written as Rust, read by rustc, and has a meaning of its own: a body computes no values,
//! it describes a program over tensors, which is checked while your crate compiles and compiled once its sizes are
//! known. This page and those below say what may stand there, what it means, and what is refused. Every example on
//! them is a test.
//!
//! ```
//! use sinew::ndarray::array;
//! use sinew::prelude::*;
//!
//! #[model]                                              // a struct holds parameters
//! struct Scale<D> {
//!     #[init(ones)]
//!     by: Param<D>,
//! }
//!
//! #[model]                                              // symbols in `<..>` stand for sizes
//! fn scaled<B, D>(m: &Scale<D>, x: Tensor<B, D>) -> Tensor<B, D> {
//!     let y = x * m.by;                                 // broadcast, as NumPy does
//!     y.softmax(axis = -1)                              // an operation with a named argument
//! }
//!
//! let m = Scale::init(&ScaleConfig { D: 2 }, 42)?;      // sizes of structs are values
//! let y = scaled(&m, [[0.0, 0.0], [5.0, 5.0]])?;        // sizes of arguments come with them
//! assert_eq!(y, array![[0.5, 0.5], [0.5, 0.5]]);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! Editors with rust-analyzer show types and docs in bodies, and complete variables, fields and operations there.
//!
//! | page | what it has |
//! |---|---|
//! | [`items`] | functions, structs, methods, modules; the attribute's options; what a name means |
//! | [`types`] | tensors, element types, dims: symbols, consts, braces, sequences `[S]`, `where(..)` |
//! | [`bodies`] | `let`, tuples, blocks, operators, operations with their arguments |
//! | [`numbers`] | literals, promotion, casts, broadcasting, remainders, NaN, ties, overflow, bools |
//! | [`indices`] | `x[(.., 1..3, i)]`, updates, what becomes of an index outside |
//! | [`models`] | functions of several models, sharing, freezing, groups of tensors |
//! | [`patterns`] | `einsum`, `rearrange`, `reduce`, `repeat` |
//! | [`lints`] | warnings of what is rarely meant |
//! | [`loops`] | `for`, variables that change, lists, repeated children |
//! | [`states`] | what a function keeps for the next run |
//! | [`configuration`] | sizes and settings from a file, `if` and `match` |
//! | [`derivatives`] | `grad` and its kin, inside and outside |
//! | [`probes`] | values that runs look at, or replace |
//! | [`randomness`] | dropout and draws, seeds |
//! | [`initialisers`] | how parameters start, each with its formula |
//! | [`calls`] | what a function becomes in Rust: its arguments, its results, its trainers and runners |
//! | [`refusals`] | what is not in the language, why, and what to write instead |
//!
//! The operations are items of [`ops`](crate::ops), each with a page that has its shapes, its defaults, its
//! derivative and an example.

pub mod bodies;
pub mod calls;
pub mod configuration;
pub mod derivatives;
pub mod indices;
pub mod initialisers;
pub mod items;
pub mod lints;
pub mod loops;
pub mod models;
pub mod numbers;
pub mod patterns;
pub mod probes;
pub mod randomness;
pub mod refusals;
pub mod states;
pub mod types;
