//! What variables of the environment say of compiled code where a program says nothing: for tests of all programs by
//! each emitter and shared by threads, and to find out which of these a fault is of.
//!
//! - `SINEW_VECTORS`: bits of the widest vectors on the CPU, of which 0 is none and 128 are there on every host.
//! - `SINEW_SHARED`: so many threads share every run that can be shared, whether or not anything is gained by it.

use crate::error::{Error, Result};
use crate::threads::MOST;
use std::sync::OnceLock;

/// What was said.
#[derive(Clone, Copy, Default)]
pub(crate) struct Environment {
    /// The widest vectors.
    #[cfg_attr(not(feature = "cpu"), expect(dead_code, reason = "the CPU's"))]
    pub vectors: Option<Bits>,
    /// Threads that share what can be shared.
    pub shared: Option<usize>,
}

/// Bits of a vector.
#[derive(Clone, Copy)]
pub(crate) enum Bits {
    /// There are no vectors.
    None,
    /// 128.
    Bits128,
    /// 256.
    Bits256,
    /// 512.
    Bits512,
}

/// A variable, its value, and what that may be.
type Wrong = (&'static str, String, &'static str);

impl Environment {
    /// What is said, which is read once.
    ///
    /// # Errors
    /// [`Error::Variable`].
    pub fn read() -> Result<Environment> {
        static SAID: OnceLock<std::result::Result<Environment, Wrong>> = OnceLock::new();
        let said = SAID.get_or_init(|| {
            Ok(Environment {
                vectors: variable("SINEW_VECTORS", "0, 128, 256 or 512 bits", bits)?,
                shared: variable("SINEW_SHARED", "from 1 to 256 threads", threads)?,
            })
        });
        said.clone()
            .map_err(|(name, value, expected)| Error::Variable {
                name,
                value,
                expected,
            })
    }
}

fn bits(said: &str) -> Option<Bits> {
    match said {
        "0" => Some(Bits::None),
        "128" => Some(Bits::Bits128),
        "256" => Some(Bits::Bits256),
        "512" => Some(Bits::Bits512),
        _ => None,
    }
}

fn threads(said: &str) -> Option<usize> {
    said.parse().ok().filter(|n| (1..=MOST).contains(n))
}

/// A variable's meaning, if it is set.
fn variable<T>(
    name: &'static str,
    expected: &'static str,
    meaning: impl Fn(&str) -> Option<T>,
) -> std::result::Result<Option<T>, Wrong> {
    let Some(value) = std::env::var_os(name) else {
        return Ok(None);
    };
    let value = value.to_string_lossy();
    match meaning(&value) {
        Some(meaning) => Ok(Some(meaning)),
        None => Err((name, value.into_owned(), expected)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_mean_what_is_said_of_them() {
        assert!(
            matches!(bits("512"), Some(Bits::Bits512)) && matches!(bits("0"), Some(Bits::None))
        );
        assert!(bits("64").is_none() && bits("").is_none());
        assert_eq!(
            (threads("3"), threads("0"), threads("257"), threads("two")),
            (Some(3), None, None, None)
        );
    }
}
