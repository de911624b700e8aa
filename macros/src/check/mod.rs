//! Types with dims: what parsed types mean once names have signatures.

pub mod equations;
pub mod extents;
pub mod relation;
pub mod scope;
pub mod signature;
pub mod sizes;
pub mod unify;

pub use equations::{Equations, Replaced};
pub use relation::Assertion;
pub use scope::Scope;
