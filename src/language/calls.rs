//! Calls from Rust: what a model function becomes, what it takes and what it gives.
//!
//! # What a function becomes
//!
//! A function `f` is a function in Rust too, and a type of the same name with these:
//!
//! | call | what it is for |
//! |---|---|
//! | `f(&model, x, y)?` | runs it once on the CPU; what it compiled is kept for the next call |
//! | `f::compile(model)..build()?` | a [`Runner`](crate::Runner) with the model's parameters: `run(x, y)?` as often as wanted |
//! | `f::train(model)..build()?` | a [`Trainer`](crate::Trainer), of a function that gives a scalar: `step(x, y)?` |
//! | `f::attach(&trainer)?` | a runner that shares the parameters of a trainer or another runner |
//! | `f::gradient(&model, x, y)?` | the gradient by the parameters, as a model |
//! | `f::signature()`, `f::IR`, `f::pullback()` | its signature with parameters, FLOPs and bytes as formulas, its program, its derivative as text |
//!
//! A function without a model takes none there: `f(x)?`, `f::compile()`. Methods are called like methods,
//! `m.forward(x)?`. Between the first call and `build` stand the options:
//!
//! | option | without it |
//! |---|---|
//! | `.device(Device::gpu()?)` | the CPU |
//! | `.precision(Precision::F64)` | f32; f64 is of the CPU |
//! | `.optimizer(AdamW::new(1e-3))`, of trainers | [`Sgd`](crate::optim::Sgd) at a rate of 0.01 |
//! | `.schedule(Schedule::cosine(1000).warmup(10))`, of trainers | the learning rate stays |
//! | `.group("*.b", \|g\| g.weight_decay(0.0))`, of trainers | all parameters are updated alike |
//! | `.seed(42)` | 0 |
//! | `.check_finite(true)` | NaN and infinities are not looked for |
//! | `.cache(4)` | programs of as many sizes are kept as about 256 MiB hold |
//!
//! ```
//! # use sinew::prelude::*;
//! # #[model]
//! # struct Line {
//! #     #[init(zeros)]
//! #     slope: Param,
//! # }
//! #[model]
//! fn height<N>(line: &Line, x: Tensor<N>) -> Tensor<N> {
//!     line.slope * x
//! }
//!
//! #[model]
//! fn loss<N>(line: &Line, x: Tensor<N>, y: Tensor<N>) -> Tensor {
//!     mse(height(line, x), y)
//! }
//!
//! let mut train = loss::train(Line::init(0)).optimizer(Sgd::new(0.1)).seed(1).build()?;
//! let height_now = height::attach(&train)?;
//! for _ in 0..50 {
//!     train.step([1.0, 2.0], [3.0, 6.0])?;
//! }
//! assert!((height_now.run([2.0])?[0] - 6.0).abs() < 1e-3);
//! assert!(height::signature().starts_with("fn height<N>(line: &Line, x: Tensor<N>) -> Tensor<N>"));
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Arguments
//!
//! They stand in the order of the declaration. An element type or a rank that does not fit is an error of rustc's; an
//! extent that does not fit an [`Error`](crate::Error) that names the argument.
//!
//! | declared | taken |
//! |---|---|
//! | `Tensor<B, D>` | arrays and views of `ndarray`, by value or by reference, of f32 or f64; nested arrays `[[1.0, 2.0]]`; slices and `Vec`s of rows `[1.0, 2.0]` |
//! | `Tensor<B>` | these, and slices and `Vec`s of numbers |
//! | `Tensor` | these, and a number |
//! | `Tensor<[S], D>` | arrays of any rank |
//! | `Tensor<i32, B>`, `f32`, `u32`, `bool`, .. | the same, of just that element type; `f16` and `bf16` are those of [`half`](crate::half) |
//!
//! An array of dynamic rank is taken anywhere, and its rank checked when it comes. Nothing is copied that is
//! row-major and of the right float. Arguments without elements are refused.
//!
//! ```
//! # use sinew::prelude::*;
//! use sinew::ndarray::{Array2, array, s};
//!
//! #[model]
//! fn total<A, B>(x: Tensor<A, B>, by: Tensor) -> Tensor {
//!     x.sum() * by
//! }
//!
//! let x: Array2<f32> = array![[1.0, 2.0], [3.0, 4.0]];
//! assert_eq!(total(&x, 2.0)?, 20.0);
//! assert_eq!(total(x.slice(s![.., 1..]), 1.0)?, 6.0);
//! assert_eq!(total([[1.0f64, 2.0]], 0.5)?, 1.5);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Results
//!
//! A scalar is a number, a tensor an array of `ndarray` of its rank (of a dynamic one with a sequence `[S]`), a tuple
//! of results a tuple. Floats come as f32; `run_f64` of a runner gives f64. Halves, integers and bools come as they are.
//!
//! ```
//! # use sinew::prelude::*;
//! #[model]
//! fn third(x: Tensor) -> (Tensor, Tensor<bool>) {
//!     (x / 3, x > 0)
//! }
//!
//! let run = third::compile().precision(Precision::F64).build()?;
//! assert_eq!(run.run_f64(1.0)?, (1.0 / 3.0, true));
//! assert_eq!(third(1.0)?, (1f32 / 3.0, true));
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Errors
//!
//! Nothing panics: whatever goes wrong is an [`Error`](crate::Error) with the argument, what was expected and what
//! came. After a step that failed, parameters are as they were.
