//! Errors, and what their variants carry.

pub use sinew_runtime::causes::*;
pub use sinew_runtime::{Error, Result};
