//! Training by epochs, over [`data`](crate::data): `fit`, `evaluate`, and what they are told and tell.
//!
//! ```
//! use sinew::data::{Batches, metrics::Accuracy, split};
//! use sinew::prelude::*;
//! # use sinew::ndarray::{Array1, Array2};
//!
//! #[model]
//! struct Net {
//!     out: Linear<2, 2>,
//! }
//!
//! #[model]
//! fn logits<B>(m: &Net, x: Tensor<B, 2>) -> Tensor<B, 2> {
//!     m.out.forward(x)
//! }
//!
//! #[model]
//! fn loss<B>(m: &Net, x: Tensor<B, 2>, y: Tensor<i32, B>) -> Tensor {
//!     cross_entropy(logits(m, x), y)
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let x = Array2::from_shape_fn((90, 2), |(i, j)| ((i * 7 + j * 5) % 9) as f32 - 4.0);
//! # let y: Array1<i32> = x.rows().into_iter().map(|r| i32::from(r[0] > r[1])).collect();
//! let (train_set, valid_set) = split((&x, &y), 0.2, 42)?;
//! let batches = Batches::new(train_set, 16)?.shuffle(42);
//! let valid = Batches::new(valid_set, 64)?;
//!
//! let mut train = loss::train(Net::init(0)).optimizer(Adam::new(0.05)).build()?;
//! let predict = logits::attach(&train)?;
//! # let best = std::env::temp_dir().join(format!("best-{}.safetensors", std::process::id()));
//! let fitted = sinew::fit(&mut train, &batches)
//!     .epochs(50)
//!     .maximize("accuracy", || sinew::evaluate(&predict, &valid, Accuracy::new()))
//!     .early_stopping(5)
//!     .keep_best(&best)
//!     .run()?;
//! println!("{}", fitted.end);                                 // completed, or stopped early
//! assert!(fitted.best.is_some_and(|epoch| epoch.score > Some(0.9)));
//! # std::fs::remove_file(&best)?;
//! # Ok(())
//! # }
//! ```
//!
//! The same by hand, over the same parts:
//!
//! ```
//! # use sinew::data::{Batches, Best, metrics::{Accuracy, Mean}};
//! # use sinew::prelude::*;
//! # use sinew::ndarray::{Array1, Array2};
//! # #[model]
//! # struct Net {
//! #     out: Linear<2, 2>,
//! # }
//! # #[model]
//! # fn logits<B>(m: &Net, x: Tensor<B, 2>) -> Tensor<B, 2> {
//! #     m.out.forward(x)
//! # }
//! # #[model]
//! # fn loss<B>(m: &Net, x: Tensor<B, 2>, y: Tensor<i32, B>) -> Tensor {
//! #     cross_entropy(logits(m, x), y)
//! # }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let x = Array2::from_shape_fn((90, 2), |(i, j)| ((i * 7 + j * 5) % 9) as f32 - 4.0);
//! # let y: Array1<i32> = x.rows().into_iter().map(|r| i32::from(r[0] > r[1])).collect();
//! # let batches = Batches::new((&x, &y), 16)?.shuffle(42);
//! # let valid = Batches::new((&x, &y), 64)?;
//! # let best_file = std::env::temp_dir().join(format!("by-hand-{}.safetensors", std::process::id()));
//! # let mut train = loss::train(Net::init(0)).optimizer(Adam::new(0.05)).build()?;
//! # let predict = logits::attach(&train)?;
//! let mut best = Best::highest();
//! for epoch in 0..50 {
//!     let mut mean = Mean::new();
//!     for (x, y) in batches.epoch(epoch) {
//!         mean.add(train.step(&x, &y)?.loss, y.len())?;
//!     }
//!     let mut accuracy = Accuracy::new();
//!     for (x, y) in &valid {
//!         accuracy.add(&predict.run(&x)?, &y)?;
//!     }
//!     if best.add(accuracy.value().ok_or("no rows")?) {
//!         train.save(&best_file)?;
//!     }
//!     if best.since() >= 5 {
//!         break;
//!     }
//! }
//! # assert!(best.value() > Some(0.9));
//! # std::fs::remove_file(&best_file)?;
//! # Ok(())
//! # }
//! ```

mod calls;
mod end;
mod evaluate;
mod fit;
#[cfg(feature = "progress")]
mod progress;

pub use calls::{Measure, Predict, Taken, Training};
pub use end::{End, EpochDone, Failed, Fitted, Problem};
pub use evaluate::{evaluate, mean_over};
pub use fit::{Fit, Reply, fit};
