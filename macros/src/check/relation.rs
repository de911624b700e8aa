//! Relations between dims that this macro cannot decide, and rustc can: between Rust consts.

use crate::messages::Message;
use crate::signature::CONST_MARK;
use proc_macro2::Span;
use sinew_ir::{Dim, DimError, Relation, Symbol};

/// A relation that a const assertion checks.
#[derive(Clone)]
pub struct Assertion {
    /// Left side.
    pub left: Dim,
    /// Relation.
    pub relation: Relation,
    /// Right side.
    pub right: Dim,
    /// Where the assertion points: first and last token.
    pub spans: (Span, Span),
    /// What it says.
    pub message: String,
    /// What must be above 0 for it to have a meaning: another assertion says so where it is not.
    pub positive: Vec<Dim>,
}

impl Assertion {
    /// One that says what the message does.
    pub fn new(left: Dim, relation: Relation, right: Dim, message: &Message) -> Assertion {
        Assertion {
            left,
            relation,
            right,
            spans: message.spans(),
            message: message.text().to_string(),
            positive: Vec::new(),
        }
    }
}

/// Whether a symbol is a Rust const.
pub fn is_const(symbol: &Symbol) -> bool {
    symbol.name().starts_with(CONST_MARK)
}

/// Whether two dims differ in Rust consts alone, so that rustc can decide.
pub fn const_only(left: &Dim, right: &Dim) -> bool {
    match left.checked_sub(right) {
        Some(difference) => {
            difference.as_constant().is_none() && difference.symbols().iter().all(is_const)
        }
        None => false,
    }
}

/// Two dims without the symbols that both are multiples of, of those that may go.
pub fn without_common(
    mut left: Dim,
    mut right: Dim,
    may_go: impl Fn(&Symbol) -> bool,
) -> (Dim, Dim) {
    let symbols = left.symbols();
    for s in symbols.into_iter().filter(|s| may_go(s)) {
        let divisor = Dim::from(s);
        while let (Some(l), Some(r)) = (left.exact_div(&divisor), right.exact_div(&divisor)) {
            if l == left {
                break;
            }
            (left, right) = (l, r);
        }
    }
    (left, right)
}

/// The product of dims, if it is not too large multiplied out.
pub fn product<'d>(dims: impl IntoIterator<Item = &'d Dim>) -> Option<Dim> {
    let mut out = Dim::constant(1);
    for d in dims {
        out = out.checked_mul(d)?;
    }
    Some(out)
}

/// Whether a dim has so great powers that it does not fit 64 bits where every symbol is 2: what is
/// multiplied on and on is stopped here, before its text fills memory.
pub fn is_great(dim: &Dim) -> bool {
    let twos = dim.substitute(&|_| Some(Dim::constant(2)));
    matches!(twos, Err(DimError::Overflow(_)))
}

/// What normal forms alone say of a relation: `None` where they cannot decide.
pub fn decide(left: &Dim, relation: Relation, right: &Dim) -> Option<bool> {
    let difference = right.checked_sub(left)?.as_constant()?;
    Some(match relation {
        Relation::Equal => difference == 0,
        Relation::AtMost => difference >= 0,
        Relation::Below => difference > 0,
    })
}
