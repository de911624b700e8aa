//! Fuzzing on stable Rust: seeds, budgets, and what becomes of an input that fails.
//!
//! A [`Target`] is an ordinary test: it makes an input from a seed and says what holds of it. Run as a
//! test it takes a fixed number of seeds from 0, so that it says the same every time; variables make it
//! search, and `scripts/fuzz.sh` sets them:
//!
//! | variable | what it says |
//! |---|---|
//! | `SINEW_FUZZ_SECONDS` | how long each target runs, in place of its number of cases; one case at least |
//! | `SINEW_FUZZ_TIMES` | it runs so many times its number of cases: the same ones on every machine |
//! | `SINEW_FUZZ_SEED` | the first seed |
//! | `SINEW_FUZZ_KEEP` | a folder: inputs that fail are kept there as files |
//!
//! An input that fails belongs into the tests afterwards, as it is and named by what broke: its seed
//! says something else as soon as the generator changes.

mod clock;
mod limit;
mod random;
mod steps;
mod target;
mod text;

pub use limit::within;
pub use random::Random;
pub use steps::{STEPS, steps};
pub use target::Target;
pub use text::changed_text;
