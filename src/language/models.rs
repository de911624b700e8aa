//! Several models: functions of more than one, shared parameters, what is trained and what is held.
//!
//! A function takes any number of model structs, in any order among its tensors. `f::train(first, second, ..)` trains
//! the first and holds the others; `f::compile(..)` and a plain call take them in the same order.
//!
//! What is given as a model is one of these:
//!
//! | given | its parameters |
//! |---|---|
//! | a model | the trainer's or runner's own |
//! | `&Shared` | shared with all that are given the same handle: none is copied, each sees what the last step left |
//! | `&trainer`, `&runner` | shared with that one's first model |
//!
//! `train.model()?` reads the first one, `train.models()?` all, as a tuple.
//!
//! | on `train` | |
//! |---|---|
//! | `.freeze("encoder.*")` | parameters of these paths stay as they are, and their gradients are not computed |
//! | `.only("head.*")` | all others do |
//!
//! A pattern is a path in which `*` stands for any text, dots included. One that meets no parameter is an error of
//! `build`. A loss may give more than a scalar: the first result is trained on, the rest is `step.rest`.
//!
//! ```
//! use sinew::prelude::*;
//!
//! #[model]
//! struct Scale {
//!     #[init(constant(2.0))]
//!     by: Param,
//!     #[init(zeros)]
//!     shift: Param,
//! }
//!
//! #[model]
//! fn loss<N>(a: &Scale, b: &Scale, x: Tensor<N>) -> (Tensor, Tensor<N>) {
//!     let y = x * a.by * b.by + a.shift + b.shift;
//!     (y.square().mean(), y)
//! }
//!
//! let (a, b) = (Shared::new(Scale::init(0)), Shared::new(Scale::init(1)));
//! let mut first = loss::train(&a, &b).optimizer(Sgd::new(0.01)).freeze("shift").build()?;
//! let mut second = loss::train(&b, &a).optimizer(Sgd::new(0.01)).build()?;
//! let step = first.step([1.0, -1.0])?;                // changes a, holds b
//! assert_eq!((step.loss, step.rest.to_vec()), (16.0, vec![4.0, -4.0]));
//! let after = second.step([1.0, -1.0])?;              // sees a as it is now
//! assert!(after.loss < step.loss);
//! let (a, b) = first.models()?;
//! assert!(a.by.item()? < 2.0 && b.by.item()? < 2.0);
//! assert_eq!(a.shift.item()?, 0.0);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Tuples and arrays of tensors
//!
//! A parameter may be a tuple or an array of tensors, and is given as such.
//!
//! ```
//! # use sinew::prelude::*;
//! #[model]
//! fn total<N>((x, y): (Tensor<N>, Tensor<N>), others: [Tensor<N>; 2]) -> Tensor {
//!     let [a, b] = others;
//!     (x + y + a + b).sum()
//! }
//!
//! assert_eq!(total(([1.0, 2.0], [3.0, 4.0]), [[5.0, 6.0], [7.0, 8.0]])?, 36.0);
//! # Ok::<(), sinew::Error>(())
//! ```
