//! Items: functions, structs, methods and modules that have `#[model]`, and what names mean in them.
//!
//! # Functions
//!
//! A model function takes tensors by value and structs by `&`, and gives a tensor or a tuple of tensors. Its last
//! expression is its value. Symbols in `<..>` are sizes, and nothing else: there are no type parameters, lifetimes or
//! bounds.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn moments<B, D>(x: Tensor<B, D>) -> (Tensor<D>, Tensor<D>) {
//!     (x.mean(0), x.square().mean(0))
//! }
//!
//! #[model]
//! fn spread<B, D>(x: Tensor<B, D>) -> Tensor<D> {
//!     let (mean, squares) = moments(x);       // a call of another model function
//!     squares - mean.square()
//! }
//!
//! assert_eq!(spread([[1.0, 2.0], [3.0, 2.0]])?, array![1.0, 0.0]);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! A call checks the callee's types: its symbols take the sizes of the arguments. One that no argument tells is
//! written: `tiled::<3>(x)`, or `tiled::<_, 3>(x)` with `_` for those that are told.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn tiled<N, K>(x: Tensor<N>) -> Tensor<K, N> {
//!     x.expand([K, N])
//! }
//!
//! #[model]
//! fn twice<N>(x: Tensor<N>) -> Tensor<2, N> {
//!     tiled::<_, 2>(x)
//! }
//!
//! assert_eq!(twice([1.0, 2.0])?, array![[1.0, 2.0], [1.0, 2.0]]);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! Functions call each other in any order and across crates, but not themselves: a program has an end.
//!
//! # Structs
//!
//! A struct has named fields:
//!
//! | field | what it is |
//! |---|---|
//! | `#[init(..)] w: Param<I, O>` | trained; how it starts is said ([`initialisers`](super::initialisers)) |
//! | `mean: State<D>` | not trained; a function may assign it ([`states`](super::states)); zeros unless `#[init(..)]` says otherwise |
//! | `hidden: Linear<I, 32>` | another struct, with a dim for each of its symbols |
//! | `blocks: [Block<D>; Layers]` | as many of them, each with its own parameters ([`loops`](super::loops)) |
//! | `rate: f32`, `heads: usize`, `causal: bool` | a setting, constant once compiled ([`configuration`](super::configuration)) |
//!
//! A leaf has no element type: it is of the working float. Its name is its path, `blocks.0.hidden.w`, under which it
//! is saved. A struct without symbols and settings starts with `Name::init(seed)`; any other with
//! `Name::init(&NameConfig { .. }, seed)?`, which fails where sizes make no model.
//!
//! # Names in PyTorch's files
//!
//! `#[pytorch(..)]` in front of a field says what PyTorch calls it, for [`Loader::pytorch`](crate::Loader::pytorch) and
//! [`save_for_pytorch`](crate::Model::save_for_pytorch). Without it that is the field's own name.
//!
//! | written | in front of | names there |
//! |---|---|---|
//! | `#[pytorch("weight")]` | a leaf | `weight`, behind those of the structs around it |
//! | `#[pytorch("weight", transposed)]` | a leaf of two dims or more | the same; its last two axes change places |
//! | `#[pytorch("net.0")]` | a child | `net.0.weight`, .. |
//! | `#[pytorch("{}_l0")]` | a child | `weight_l0`, ..: `{}` is where the names of its leaves go |
//! | `#[pytorch("{}")]` | a child | `weight`, ..: its leaves stand among those beside it |
//! | `#[pytorch("layers")]` | repeated children | `layers.0.weight`, .. |
//! | `#[pytorch("layers.{1..}")]`, `#[pytorch("{}_l{1..}")]` | repeated children | `layers.1.weight`, .., `weight_l1`, ..: `{1..}` is their number, counted from 1 |
//!
//! ```
//! # use sinew::prelude::*;
//! #[model]
//! struct Scaled<I, O> {
//!     #[init(kaiming_uniform)]
//!     #[pytorch("kernel", transposed)]
//!     w: Param<I, O>,
//!     #[init(ones)]
//!     scale: Param<O>,
//! }
//!
//! #[model]
//! struct Net {
//!     #[pytorch("0")]
//!     scaled: Scaled<4, 8>,                   // `0.kernel` of [8, 4], `0.scale`
//!     #[pytorch("2")]
//!     out: Linear<8, 2>,                      // `2.weight` of [2, 8], `2.bias`
//! }
//!
//! let net = Net::init(42);
//! # let file = std::env::temp_dir().join(format!("names-there-{}.safetensors", std::process::id()));
//! net.save_for_pytorch(&file)?;
//! assert_eq!(Net::loader(&file).pytorch().load()?, net);
//! # drop(std::fs::remove_file(&file));
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Methods
//!
//! `#[model(methods)]` on a struct says that a `#[model] impl` of it follows, in the same module, in which all of its
//! methods stand. A receiver is `&self`. Methods are seen as far as the struct is, or as `#[model(pub)]` on the
//! `impl` says.
//!
//! ```
//! # use sinew::prelude::*;
//! #[model(methods)]
//! struct Offset<D> {
//!     #[init(constant(2.0))]
//!     by: Param<D>,
//! }
//!
//! #[model]
//! impl<D> Offset<D> {
//!     fn forward<B>(&self, x: Tensor<B, D>) -> Tensor<B, D> {
//!         x + self.by
//!     }
//! }
//!
//! #[model]
//! fn twice<B, D>(m: &Offset<D>, x: Tensor<B, D>) -> Tensor<B, D> {
//!     Offset::forward(m, m.forward(x))        // as a method, or by its path
//! }
//!
//! let m = Offset::init(&OffsetConfig { D: 1 }, 0)?;
//! assert_eq!(twice(&m, [[1.0]])?[(0, 0)], 5.0);
//! assert_eq!(m.forward([[1.0]])?[(0, 0)], 3.0);   // from Rust too
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Modules
//!
//! On an inline module, `#[model]` stands for all that is inside: no item needs one of its own.
//!
//! ```
//! #[sinew::model]
//! mod net {
//!     use sinew::prelude::*;
//!
//!     pub struct Scale {
//!         #[init(constant(3.0))]
//!         by: Param,
//!     }
//!
//!     impl Scale {
//!         pub fn forward<N>(&self, x: Tensor<N>) -> Tensor<N> {
//!             x * self.by
//!         }
//!     }
//! }
//!
//! assert_eq!(net::Scale::init(0).forward([1.0, 2.0])?.to_vec(), [3.0, 6.0]);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Options
//!
//! | option | on | what it says |
//! |---|---|---|
//! | `methods` | a struct | a `#[model] impl` of it follows |
//! | `pub`, `pub(crate)`, .. | an `impl` | how far its methods are seen |
//! | `where(E == H * D, T <= 1024)` | a function, an `impl` | what it assumes of sizes ([`types`](super::types#relations)) |
//! | `no_derivative`, `no_derivative = "why"` | a function, a method | it is never differentiated ([`derivatives`](super::derivatives)) |
//! | `crate = path` | any item | where the library is, if it is no dependency of the crate |
//!
//! # Names
//!
//! What a name means is for rustc to say, as everywhere in Rust:
//!
//! - a variable is looked for first, the nearest one, behind its `let` and as far as its block;
//! - then a symbol of `<..>`, which is a size;
//! - a name in capitals is a Rust const: a number, or a size where one is needed;
//! - what is called is a model function, a method of a struct, or an operation. A function of yours that is called like
//!   an operation is that function. Like one of the prelude it is so where it stands and where a glob brings it; where
//!   a `use` names it, it is called by a path, `self::softmax(x)`, and refused by its plain name.
//!
//! The prelude brings the plain names of the most common operations, and never more in a version that breaks nothing.
//! All others are methods without an import (`x.sin()`), and functions with one (`use sinew::ops::sin;`).
//!
//! ```
//! # use sinew::prelude::*;
//! use sinew::ops::sin;
//!
//! const GAIN: f32 = 2.0;
//!
//! #[model]
//! fn waves<N>(x: Tensor<N>) -> Tensor<N> {
//!     let x = x * GAIN;                       // shadows the argument from here on
//!     sin(x) - x.sin()
//! }
//!
//! assert_eq!(waves([1.0, 2.0])?.to_vec(), [0.0, 0.0]);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! A Rust variable outside is no part of a program: what changes is an argument, what does not a const.
