//! The scalar instructions: what an elementwise op does to one element.
//!
//! Emitters match these exhaustively; nothing else in Sinew matches on operations.

/// One scalar instruction. Operands and result have the same element type unless said otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scalar {
    /// `a + b`
    Add,
    /// `a - b`
    Sub,
    /// `a * b`
    Mul,
    /// `a / b`, of floats.
    Div,
    /// The remainder with the sign of the divisor, of a zero too (NumPy's `%`); a zero integer divisor
    /// gives 0.
    Rem,
    /// The greater one; NaN if either is (NumPy's `maximum`).
    Maximum,
    /// The smaller one; NaN if either is.
    Minimum,
    /// `-a`
    Neg,
    /// `|a|`
    Abs,
    /// The square root.
    Sqrt,
    /// `e^a`
    Exp,
    /// The natural logarithm.
    Log,
    /// The hyperbolic tangent.
    Tanh,
    /// The error function.
    Erf,
    /// The greatest integer not above `a`.
    Floor,
    /// -1, 0 or 1; NaN for NaN.
    Sign,
    /// `a < b`, a bool.
    Lt,
    /// `a <= b`, a bool.
    Le,
    /// `a == b`, a bool.
    Eq,
    /// `a != b`, a bool.
    Ne,
    /// Both bools.
    And,
    /// Either bool.
    Or,
    /// The other bool.
    Not,
    /// `condition ? a : b`; the condition is a bool.
    Select,
    /// To the result's element type: floats to integers truncate and saturate, NaN to 0; numbers to
    /// bool are `a != 0`; bools to numbers are 0 and 1.
    Cast,
}

/// What [`Scalar::Rem`] makes of floats.
pub fn remainder(a: f64, b: f64) -> f64 {
    let rest = a % b;
    match rest == 0.0 {
        true => rest.copysign(b),
        false if (rest < 0.0) != (b < 0.0) => rest + b,
        false => rest,
    }
}
