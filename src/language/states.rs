//! States: what a function keeps for the next step or run.
//!
//! A `State<..>` field is saved and loaded with the parameters and is not trained. It starts with zeros, or as
//! `#[init(..)]` says. A function that assigns it makes it a result of the program: the step or the run leaves the
//! new value in the model.
//!
//! ```
//! # use sinew::prelude::*;
//! #[model(methods)]
//! struct Running {
//!     mean: State,
//!     #[init(ones)]
//!     scale: Param,
//! }
//!
//! #[model]
//! impl Running {
//!     fn forward<N>(&self, x: Tensor<N>) -> Tensor<N> {
//!         self.mean = 0.5 * self.mean + 0.5 * x.mean();
//!         (x - self.mean) * self.scale            // behind the assignment, it is the new value
//!     }
//! }
//!
//! #[model]
//! fn loss<N>(m: &Running, x: Tensor<N>) -> Tensor {
//!     m.forward(x).square().mean()
//! }
//!
//! #[model]
//! fn mean(m: &Running) -> Tensor {
//!     m.mean
//! }
//!
//! let mut train = loss::train(Running::init(0)).build()?;
//! let read = mean::attach(&train)?;
//! train.step([4.0, 8.0])?;
//! assert_eq!(read.run()?, 3.0);                   // a runner beside the trainer sees the newest
//! train.step([4.0, 8.0])?;
//! assert_eq!(train.model()?.mean.item()?, 4.5);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! | who | sees |
//! |---|---|
//! | the function, behind an assignment | the new value; what came before read the old one |
//! | a function that it calls with the struct, and its caller | likewise: a call's states are the caller's |
//! | a loop's next iteration | what the one before left |
//! | the arms of an `if` | their own; behind it, that of the arm that was picked |
//! | the next step or run, and runners attached to the same model | what the last one left |
//! | a plain call `f(&m, x)?` | the model's; what it assigns is gone when it ends |
//!
//! A step that fails leaves states as they were, and so does a run that is checked (`check_finite`). Derivatives go
//! through what a function assigns and then reads, within one step: `m.mean.stop_gradient()` keeps it out. From step
//! to step no derivative goes.
//!
//! The value has the type of the field. A parameter is assigned by training alone, and a setting by nobody.
