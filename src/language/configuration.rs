//! Configuration: sizes and settings that are known before anything runs, and choices by them.
//!
//! # What it is
//!
//! The symbols of a struct and its fields of plain type are its configuration: `usize`, `f32`, `f64`, `bool`. For a
//! struct `Net` that has any there is a `NetConfig` with a field for each, which `Net::init(&config, seed)?` takes.
//! It reads and writes by serde, where a symbol may be written in small letters (`Width` as `width`, `QKLayers` as
//! `qk_layers`). A field with `#[default(..)]` may be left out there; a name that is none of them is an error.
//!
//! Sizes of a struct are therefore values: they come from a file, not from the types of the program. Where a function
//! takes the struct, it names them anew: `fn f<B, D>(m: &Net<D>, x: Tensor<B, D>)`.
//!
//! ```
//! # use sinew::prelude::*;
//! #[model(methods)]
//! struct Layer<D> {
//!     #[init(ones)]
//!     w: Param<D>,
//!     rate: f32,
//!     #[default(true)]
//!     gated: bool,
//! }
//!
//! #[model]
//! impl<D> Layer<D> {
//!     fn forward<B>(&self, x: Tensor<B, D>) -> Tensor<B, D> {
//!         let y = if self.gated { x.relu() } else { x };
//!         y * self.w * self.rate
//!     }
//! }
//!
//! #[model]
//! struct Net<Width, Depth> {
//!     layers: [Layer<Width>; Depth],
//!     rate: f32,
//! }
//!
//! #[model]
//! fn out<B, Width, Depth>(m: &Net<Width, Depth>, x: Tensor<B, Width>) -> Tensor<B, Width> {
//!     let mut x = x;
//!     for layer in &m.layers {
//!         x = layer.forward(x);
//!     }
//!     x
//! }
//!
//! let config: NetConfig = serde_json::from_str(r#"{ "width": 2, "depth": 2, "rate": 0.5 }"#)?;
//! let mut m = Net::init(&config, 42)?;
//! assert_eq!((m.layers[0].rate, m.layers[0].gated), (0.5, true));
//! assert_eq!(out(&m, [[4.0, -4.0]])?[(0, 0)], 1.0);
//! for layer in &mut m.layers {
//!     layer.gated = false;                // a setting is a field: changed, it compiles anew
//! }
//! assert_eq!(out(&m, [[4.0, -4.0]])?[(0, 1)], -1.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Children
//!
//! The dims of a child stand in its type. Its settings are those of the same name and type in the struct around it;
//! without one there, their `#[default(..)]`; without that either, the struct is refused. So a setting is declared at
//! the top and in each struct on the way to where it is used. Repeated children are configured alike.
//!
//! # Enums
//!
//! An enum without fields is a setting too, where it has `#[model]` or stands in a `#[model] mod`. A field of its type
//! may have a default, children get it as they get other settings, and files name its variants, in small letters
//! if they like (`soft_sign` for `SoftSign`). It may have methods, as structs do.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model(methods)]
//! enum Activation {
//!     Relu,
//!     SoftSign,
//! }
//!
//! #[model]
//! impl Activation {
//!     fn of<S>(&self, x: Tensor<[S]>) -> Tensor<[S]> {
//!         match self {
//!             Activation::Relu => x.relu(),
//!             Activation::SoftSign => x / (1 + x.abs()),
//!         }
//!     }
//! }
//!
//! #[model]
//! struct Gate<D> {
//!     #[init(ones)]
//!     w: Param<D>,
//!     #[default(Relu)]
//!     activation: Activation,
//! }
//!
//! #[model]
//! fn gated<D>(m: &Gate<D>, x: Tensor<D>) -> Tensor<D> {
//!     let y = m.activation.of(x);
//!     if m.activation == Activation::Relu { y * m.w } else { y }
//! }
//!
//! let config: GateConfig = serde_json::from_str(r#"{ "d": 2, "activation": "soft_sign" }"#)?;
//! assert_eq!(gated(&Gate::init(&config, 0)?, [1.0, -3.0])?, array![0.5, -0.75]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # In a body
//!
//! A setting is a number (`x * self.rate`, `dropout(x, self.rate)`, `leaky_relu(x, self.slope)`), a size (`usize`: `x.reshape([B, self.heads, -1])`), or what `if` asks
//! for. It is constant in the compiled program, and no part of a derivative.
//!
//! # Choices
//!
//! `if` and `match` ask what is known before anything runs: settings, sizes, Rust consts and literals. Every arm is
//! checked, for all sizes; one is picked when sizes and settings are bound, and nothing is left of the others.
//!
//! | form | |
//! |---|---|
//! | `if self.causal { a } else { b }` | a `bool` setting |
//! | `if B > 64 && !self.causal { .. }` | sizes compare with sizes and integers, joined by `&& \|\| !` |
//! | `if self.rate < 0.5 { .. }` | `f32` and `f64` settings compare with numbers |
//! | `match self.heads { 1 => a, 2 \| 3 => b, _ => c }` | integers, `true`, `false`, several, and the rest |
//! | `if self.activation == Activation::Relu { .. }` | variants are equal or not |
//! | `match self.activation { Activation::Relu => a, _ => b }` | variants, by their paths or imported names |
//! | `if DEBUG { .. }` | a Rust const of type `bool`, or one that is compared |
//! | `if training() { .. }` | whether this is a trainer's step: not in runners, plain calls, `gradient` |
//!
//! As a value, all arms have one type, and there is an `else`. As a statement, the arms assign variables that are
//! declared with `let mut` before it, or states, or push onto [lists](super::loops#lists), each as many elements.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn by_size<N>(x: Tensor<N>) -> (Tensor<N>, Tensor) {
//!     let mut scale = 1.0;
//!     if N > 2 {
//!         scale = 10.0;
//!     }
//!     let kind = match N {
//!         1 => 0.0,
//!         2 | 3 => 1.0,
//!         _ => 2.0,
//!     };
//!     (x * scale, kind)
//! }
//!
//! assert_eq!(by_size([1.0, 2.0])?, (array![1.0, 2.0], 1.0));
//! assert_eq!(by_size([1.0; 4])?, (array![10.0, 10.0, 10.0, 10.0], 2.0));
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! What a tensor holds is not known then: [`where_`](fn@crate::ops::where_) chooses by it, element by element.
