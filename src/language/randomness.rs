//! Randomness: dropout and draws.
//!
//! | form | gives |
//! |---|---|
//! | `x.dropout(0.1)` | in a trainer's step 0 with that probability, else `x / 0.9`; elsewhere x |
//! | `uniform([B, D], -1.0, 1.0)` | floats from the one to below the other |
//! | `randn([B, D])` | the normal distribution of mean 0 and variance 1 |
//! | `bernoulli([B], 0.3)` | bools, true with that probability |
//! | `randint([B], 0, 10)` | i32 from the one to below the other |
//!
//! All but `dropout` are items of [`ops`](crate::ops). What is drawn follows from
//!
//! - the seed: `.seed(42)` on a trainer or runner, 0 without; a plain call draws what the first run of the seed 0 does,
//! - the number of the step or the run: each draws others,
//! - the place: two calls in a function differ, two calls of a function, and each iteration of a loop,
//! - the element's index,
//!
//! and from nothing else: not from the device, nor threads, nor from operations beside it that draw nothing. The
//! generator is Threefry-2x32 of 20 rounds (Salmon et al., 2011). A derivative draws again what its function drew, so
//! masks agree.
//!
//! ```
//! # use sinew::prelude::*;
//! use sinew::ops::uniform;
//!
//! #[model]
//! fn two<N>(x: Tensor<N>) -> (Tensor<N>, Tensor<N>) {
//!     (x + uniform([N]), x + uniform([N]))
//! }
//!
//! let zeros = [0.0; 8];
//! let run = two::compile().seed(7).build()?;
//! let (first, other_place) = run.run(zeros)?;
//! let (second, _) = run.run(zeros)?;
//! assert!(first != other_place && first != second);
//!
//! let again = two::compile().seed(7).build()?;
//! assert_eq!(again.run(zeros)?.0, first);
//! assert_eq!(two(zeros)?, two(zeros)?);           // plain calls are all the first run
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! Dropout belongs to training: a runner on the same parameters does without, and so does `gradient`.
//!
//! ```
//! # use sinew::prelude::*;
//! # #[model]
//! # struct Scale {
//! #     #[init(ones)]
//! #     by: Param,
//! # }
//! #[model]
//! fn loss<N>(m: &Scale, x: Tensor<N>) -> Tensor {
//!     (m.by * x.dropout(0.5)).square().sum()
//! }
//!
//! let mut train = loss::train(Scale::init(0)).optimizer(Sgd::new(0.0)).build()?;
//! let run = loss::attach(&train)?;
//! let ones = [1.0; 100];
//! assert_ne!(train.step(ones)?.loss, 100.0);
//! assert_eq!(run.run(ones)?, 100.0);
//! # Ok::<(), sinew::Error>(())
//! ```
