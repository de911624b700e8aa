//! The simplifier: the same function with less in it.
//!
//! Works on functions with symbols and on programs alike, on the body and the pullback as one. Each
//! pass walks the instructions once, in order, rebuilding each through [`Rewriter::make`], which tries
//! the rules for its kind of op and then looks for an equal instruction that stands already; what is
//! not needed any more is dropped afterwards. Passes repeat until one changes nothing.
//!
//! No rule changes whether an element is NaN or infinite, or which: `x * 0` stays, `x - x` stays,
//! `x + 0` stays where `x` may be -0 (the sum is +0, and their reciprocals differ). What may change is
//! rounding, and only in sums: their order, and `n * x` for the sum of `n` equal elements. The sign of
//! a sum that is zero is not kept.
//!
//! `stop_gradient` stays: a pullback may still be derived from what the simplifier returns.

mod contract;
mod iterate;
mod reduce;
mod rewriter;
mod scalar;
mod shear;
mod view;

use crate::dead;
use crate::function::{Function, Value};
use crate::verify::verify;
use rewriter::Rewriter;

/// A pass makes chains of rules at once; what is left to later ones are rules that wait for an
/// instruction to lose its other users.
const PASSES: usize = 6;

/// Simplifies a function, its body and its pullback.
///
/// # Panics
/// In debug builds, where a pass breaks a rule of functions: a mistake in Sinew.
///
/// ```
/// # fn main() -> Result<(), sinew_ir::ParseError> {
/// let mut f = sinew_ir::parse(
///     "fn @f<B>(%x: float[B]) -> float[B] {
///        %1 = neg %x
///        %2 = neg %1
///        return %2
///      }",
/// )?;
/// sinew_ir::simplify(&mut f);
/// assert!(f.body.insts.is_empty());
/// # Ok(())
/// # }
/// ```
pub fn simplify(function: &mut Function) {
    let checked = simplify_checked(function, &mut |f| match cfg!(debug_assertions) {
        true => verify(f),
        false => Ok(()),
    });
    checked.expect("passes of the simplifier keep the rules of functions");
}

/// As [`simplify`], with a check behind each pass.
///
/// # Errors
/// That of `check`.
pub(crate) fn simplify_checked<E>(
    function: &mut Function,
    check: &mut dyn FnMut(&Function) -> Result<(), E>,
) -> Result<(), E> {
    dead::eliminate(function);
    for _ in 0..PASSES {
        let changed = Rewriter::pass(function);
        dead::eliminate(function);
        function.compact();
        check(function)?;
        if !changed {
            break;
        }
    }
    Ok(())
}

/// Takes the states out of a program's results that it leaves as they were.
pub(crate) fn drop_unchanged_states(program: &mut Function) {
    let results = program.returned().len();
    let unchanged = |(param, value): (usize, Value)| value.index() == param;
    let keep: Vec<bool> = program.new_states().map(|s| !unchanged(s)).collect();
    let mut kept = keep.iter();
    program.states.retain(|_| kept.next() == Some(&true));
    let mut kept = std::iter::repeat_n(&true, results).chain(&keep);
    let results = &mut program.body.results;
    results.retain(|_| kept.next() == Some(&true));
}
