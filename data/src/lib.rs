//! What stands around a training loop: batches of data, files of it, metrics, logs, curves.
//!
//! Everything here works on arrays of `ndarray` and knows nothing of models: a loop over `step` is written by hand
//! with these parts, or by `fit` of the `sinew` package, which is made of them.
//!
//! ```
//! use ndarray::{Array2, array};
//! use sinew_data::{Batches, metrics::Accuracy, split};
//!
//! # fn main() -> sinew_data::Result<()> {
//! let x: Array2<f32> = Array2::from_shape_fn((10, 2), |(row, _)| row as f32);
//! let y = x.map_axis(ndarray::Axis(1), |row| i32::from(row[0] > 4.0));
//! let (train, test) = split((&x, &y), 0.2, 42)?;      // by a seed: the same rows on every machine
//! let batches = Batches::new(train, 4)?.shuffle(7);
//! for epoch in 0..3 {
//!     for (x, y) in batches.epoch(epoch) {            // arrays of 4, 4 rows; no memory is asked for per batch
//!         assert_eq!(x.dim(), (y.len(), 2));
//!     }
//! }
//! let mut accuracy = Accuracy::new();
//! for (x, y) in &Batches::new(test, 4)? {
//!     let scores = x.mapv(|x| x - 4.5).dot(&array![[-1.0, 1.0], [0.0, 0.0]]);
//!     accuracy.add(&scores, &y)?;
//! }
//! assert_eq!(accuracy.value(), Some(1.0));
//! # Ok(())
//! # }
//! ```

mod arrays;
mod batches;
mod best;
mod error;
mod latest;
pub mod load;
mod loader;
mod log;
pub mod metrics;
mod order;
mod plot;
mod prefetch;
mod rows;
mod split;

pub use arrays::{Arrays, Buffers, Column};
pub use batches::{Batches, Epoch, Epochs, Padded};
pub use best::Best;
pub use error::{AnyError, Error, Place, Result};
pub use latest::{End, Latest, Outcome, Stale};
pub use loader::{Loader, Pass, Source};
pub use log::{Log, Record};
pub use order::order;
pub use plot::Plot;
pub use prefetch::{Prefetch, prefetch};
pub use rows::{Part, Row};
pub use split::split;
