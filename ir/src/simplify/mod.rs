//! The simplifier: the same function with less in it.

mod dead;

use crate::function::Function;

/// Simplifies a function, its body and its pullback.
pub fn simplify(function: &mut Function) {
    dead::eliminate(function);
    function.compact();
}
