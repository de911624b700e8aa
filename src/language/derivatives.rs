//! Derivatives: inside of functions, and outside.
//!
//! The derivative of every function is made when your crate compiles, as a program of its own. Training takes it; a
//! body can ask for one too.
//!
//! # Inside
//!
//! | form | gives |
//! |---|---|
//! | `grad(\|x\| f(x), x)` | the gradient of a scalar, of x's type |
//! | `value_and_grad(\|x\| f(x), x)` | the scalar and its gradient |
//! | `vjp(\|x\| f(x), x, v)` | `f(x)`, and the product of `v` with the Jacobian |
//! | `jvp(\|x\| f(x), x, v)` | `f(x)`, and its derivative in the direction `v` |
//! | `vmap(\|x\| f(x), xs)` | f of each slice of `xs`, along its first axis or `axis = ..`, stacked along `out_axis = 0` |
//! | `checkpoint(\|x\| f(x), x)` | `f(x)`, computed again in the backward pass instead of kept until then |
//! | `x.stop_gradient()` | x, taken for a constant |
//!
//! The closure comes first, and behind it what it is called with: tensors, tuples of them, or models. Several give a
//! tuple of gradients, a model a value with its fields (`g.w`). What the closure uses from outside counts as a
//! constant for this derivative, not for one around it. They nest, to any order, in loops and choices too.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! struct Curve {
//!     #[init(constant(3.0))]
//!     a: Param,
//! }
//!
//! #[model]
//! fn cube<N>(m: &Curve, x: Tensor<N>) -> Tensor {
//!     (m.a * x * x * x).sum()
//! }
//!
//! #[model]
//! fn slopes<N>(m: &Curve, x: Tensor<N>) -> (Tensor<N>, Tensor<N>, Tensor) {
//!     let first = grad(|x| cube(m, x), x);
//!     let second = grad(|x| grad(|x| cube(m, x), x).sum(), x);
//!     let by_model = grad(|m| cube(m, x), m);
//!     (first, second, by_model.a)
//! }
//!
//! let (first, second, by_a) = slopes(&Curve::init(0), [1.0, 2.0])?;
//! assert_eq!((first, second, by_a), (array![9.0, 36.0], array![18.0, 36.0], 9.0));
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Memory
//!
//! What `checkpoint` computes it computes again in the backward pass, from the arguments of the closure and what that
//! uses. To fit a number of bytes rather than to choose by hand, a trainer has
//! [`memory_budget`](crate::TrainBuilder::memory_budget): values are computed again as far as it takes, in loops
//! and out of them, and losses and gradients stay what they were.
//!
//! # Outside
//!
//! `loss::gradient(&model, x, y)?` is the gradient by the parameters, as a model; a trainer's `gradients()` are those
//! of its last step. A loss is a function that gives one float scalar.
//!
//! ```
//! # use sinew::prelude::*;
//! # #[model]
//! # struct Curve {
//! #     #[init(constant(3.0))]
//! #     a: Param,
//! # }
//! #[model]
//! fn loss<N>(m: &Curve, x: Tensor<N>) -> Tensor {
//!     (m.a * x).square().sum()
//! }
//!
//! let slope = loss::gradient(&Curve::init(0), [1.0, 2.0])?;
//! assert_eq!(slope.a.item()?, 30.0);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! `loss::gradient_by_inputs(&model, x, y)?` is the gradient by the float arguments, and `f::vjp(&model, x, cotangent)?`
//! gives `value`, `model` and `inputs`: what f gives, and what its models and float arguments get of the cotangents of
//! its results, which stand behind the arguments. All of these are of the function as a plain call runs it, without
//! dropout.
//!
//! # Each example
//!
//! `vmap` is written for one slice. What the closure uses from outside, models too, is the same for all; random
//! elements are others for each.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! # #[model]
//! # struct Curve {
//! #     #[init(constant(3.0))]
//! #     a: Param,
//! # }
//! #[model]
//! fn slopes<N>(m: &Curve, x: Tensor<N>, y: Tensor<N>) -> Tensor<N> {
//!     let each = vmap(|x, y| grad(|m| (m.a * x - y).square(), m), x, y);
//!     each.a
//! }
//!
//! assert_eq!(slopes(&Curve::init(0), [1.0, 2.0], [0.0, 5.0])?, array![6.0, 4.0]);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Rules of your own
//!
//! `#[model(vjp = rule)]` on a function of tensors says that its derivative is `rule`: a model function of what the
//! function takes, and behind that the cotangents of its float results, which gives the cotangent of each float
//! argument. Its types are checked where the function stands. It holds in every order, in loops, under `vmap` and in
//! other crates.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! /// Rounded, with the slope of what is not.
//! #[model(vjp = straight_through)]
//! fn rounded<N>(x: Tensor<N>) -> Tensor<N> {
//!     x.round()
//! }
//!
//! #[model]
//! fn straight_through<N>(_x: Tensor<N>, by_result: Tensor<N>) -> Tensor<N> {
//!     by_result
//! }
//!
//! #[model]
//! fn slope<N>(x: Tensor<N>) -> Tensor<N> {
//!     grad(|x| rounded(3 * x).sum(), x)
//! }
//!
//! assert_eq!(slope([0.4, 1.2])?, array![3.0, 3.0]);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Where there is none
//!
//! Integers and bools pass no derivative, nor do comparisons, `floor`, `round`, `sign`: it is 0 there, without a
//! word. A parameter that a loss does not depend on is named in a warning (`tracing`) when a trainer is built, and
//! stays as it is. `#[model(no_derivative)]` says of a function that it is never differentiated, a metric: who needs
//! its derivative is told at the call. Kinks and ties are in [`numbers`](super::numbers#ties-and-kinks).
//!
//! ```
//! # use sinew::prelude::*;
//! #[model(no_derivative = "a share has no slope")]
//! fn accuracy<B, C>(scores: Tensor<B, C>, y: Tensor<i32, B>) -> Tensor {
//!     (scores.argmax(-1) == y).cast(float).mean()
//! }
//!
//! assert_eq!(accuracy([[1.0, 0.0], [0.0, 1.0]], [0, 0])?, 0.5);
//! # Ok::<(), sinew::Error>(())
//! ```
