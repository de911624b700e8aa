//! Places that runs look at, or whose value they replace.
//!
//! | form | what asks for it | without that |
//! |---|---|---|
//! | `capture("name", x)` | `run.capture("name")` asks; after a run, `run.captured("name")?` is the array | x, at no cost |
//! | `patch("name", x)` | `run.patch("name", &array)` puts an array in its place, `run.unpatch("name")` takes it away | x, at no cost |
//!
//! A trainer looks at captured places too: `loss::train(model).capture("name")` asks, or `train.capture("name")` later, and
//! after a step `train.captured("name")?` is the array as the step's forward part computed it. Replacing is for runners.
//!
//! Both are operations, so `x.capture("name")` is the same. They may stand anywhere: in methods, in functions that are
//! called from others and from other crates, in loops. A `capture(..);` may stand as a statement.
//!
//! - **Names** are of letters, digits and `_`, in parts between dots. Where a program has several places of one name,
//!   since a function is called more than once, they are numbered in its order, from 0: `attn.0`, `attn.1`. A
//!   name that is not there is an error that lists those that are. A trainer's are those of a runner: what
//!   the reverse part of a step computes again is no other place.
//! - **In loops** there is a slice for each iteration, along a new axis in front; in nested loops that of the outer one
//!   comes first. So what a layer of `[Block<D>; Layers]` captures as a matrix is an array of three dims.
//! - **In choices** a place is there where its arm is chosen.
//! - **Types**: `captured` gives an array of the rank that is asked for, of f32 or f64 for floats (a half also as
//!   itself), of i32, u32 or bool for what is such. What is put in a place is of floats and of the value's shape,
//!   which is a float.
//! - **Derivatives** go through both as if they were not there; what is replaced depends on nothing.
//! - **Programs** are compiled anew for what is asked, not for other arrays in a place.
//!
//! ```
//! use sinew::ndarray::{Array2, array};
//! use sinew::prelude::*;
//!
//! #[model(methods)]
//! struct Block<D> {
//!     #[init(ones)]
//!     scale: Param<D>,
//! }
//!
//! #[model]
//! impl<D> Block<D> {
//!     fn forward(&self, x: Tensor<D>) -> Tensor<D> {
//!         let h = patch("hidden", x * self.scale + 1);
//!         capture("hidden", h)
//!     }
//! }
//!
//! #[model]
//! struct Net {
//!     blocks: [Block<2>; 3],
//! }
//!
//! #[model]
//! fn out(m: &Net, x: Tensor<2>) -> Tensor<2> {
//!     let mut x = x;
//!     for block in &m.blocks {
//!         x = block.forward(x);
//!     }
//!     x
//! }
//!
//! let mut run = out::compile(Net::init(0)).build()?;
//! run.capture("hidden");
//! assert_eq!(run.run([0.0, 5.0])?, array![3.0, 8.0]);
//! let hidden: Array2<f32> = run.captured("hidden")?;
//! assert_eq!(hidden, array![[1.0, 6.0], [2.0, 7.0], [3.0, 8.0]]);
//!
//! // What the last block gave, in the place of what all of them give.
//! run.patch("hidden", &array![[0.0f32, 0.0], [0.0, 0.0], [9.0, 9.0]]);
//! assert_eq!(run.run([0.0, 5.0])?, array![9.0, 9.0]);
//!
//! #[model]
//! fn loss(m: &Net, x: Tensor<2>) -> Tensor {
//!     out(m, x).sum()
//! }
//!
//! let mut train = loss::train(Net::init(0)).capture("hidden").build()?;
//! assert_eq!(train.step([0.0, 5.0])?.loss, 11.0);
//! assert_eq!(train.captured::<f32, _>("hidden")?, hidden);
//! # Ok::<(), sinew::Error>(())
//! ```
