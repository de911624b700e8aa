//! Scalar instructions on constants.
//!
//! Results are computed in f64 and rounded once to the element type; for the working float that
//! rounding happens when it is bound. Integers wrap as they do in a kernel.

use crate::dtype::DType;
use crate::scalar::Scalar;

/// The value of an instruction on constants of type `from`, of type `to`; `None` where it is left to
/// the kernel.
pub(super) fn apply(scalar: Scalar, x: &[f64], from: DType, to: DType) -> Option<f64> {
    // The condition of a select is not of the arms' type.
    if let (Scalar::Select, &[c, a, b]) = (scalar, x) {
        return Some(if c != 0.0 { a } else { b });
    }
    match from {
        DType::Float | DType::F64 => float(scalar, x, to),
        DType::F32 => float(scalar, x, to).map(|v| match to {
            DType::F32 => f64::from(v as f32),
            DType::Float | DType::F64 | DType::I32 | DType::U32 | DType::Bool => v,
        }),
        DType::Bool => boolean(scalar, x),
        // Index arithmetic is folded as dims before it gets here.
        DType::I32 | DType::U32 => integer(scalar, x, from, to),
    }
}

fn truth(b: bool) -> Option<f64> {
    Some(f64::from(u8::from(b)))
}

fn float(scalar: Scalar, x: &[f64], to: DType) -> Option<f64> {
    match (scalar, x) {
        (Scalar::Add, &[a, b]) => Some(a + b),
        (Scalar::Sub, &[a, b]) => Some(a - b),
        (Scalar::Mul, &[a, b]) => Some(a * b),
        (Scalar::Div, &[a, b]) => Some(a / b),
        (Scalar::Neg, &[a]) => Some(-a),
        (Scalar::Abs, &[a]) => Some(a.abs()),
        (Scalar::Sqrt, &[a]) => Some(a.sqrt()),
        (Scalar::Exp, &[a]) => Some(libm::exp(a)),
        (Scalar::Log, &[a]) => Some(libm::log(a)),
        (Scalar::Tanh, &[a]) => Some(libm::tanh(a)),
        (Scalar::Erf, &[a]) => Some(libm::erf(a)),
        (Scalar::Floor, &[a]) => Some(a.floor()),
        (Scalar::Maximum, &[a, b]) if !a.is_nan() && !b.is_nan() => Some(a.max(b)),
        (Scalar::Minimum, &[a, b]) if !a.is_nan() && !b.is_nan() => Some(a.min(b)),
        (Scalar::Lt, &[a, b]) => truth(a < b),
        (Scalar::Le, &[a, b]) => truth(a <= b),
        (Scalar::Eq, &[a, b]) => truth(a == b),
        (Scalar::Ne, &[a, b]) => truth(a != b),
        (Scalar::Cast, &[a]) => cast(a, to),
        _ => None,
    }
}

fn cast(a: f64, to: DType) -> Option<f64> {
    match to {
        DType::Float | DType::F64 => Some(a),
        DType::F32 => Some(f64::from(a as f32)),
        DType::I32 => Some(f64::from(a as i32)),
        DType::U32 => Some(f64::from(a as u32)),
        DType::Bool => truth(a != 0.0),
    }
}

fn boolean(scalar: Scalar, x: &[f64]) -> Option<f64> {
    match (scalar, x) {
        (Scalar::And, &[a, b]) => truth(a != 0.0 && b != 0.0),
        (Scalar::Or, &[a, b]) => truth(a != 0.0 || b != 0.0),
        (Scalar::Not, &[a]) => truth(a == 0.0),
        (Scalar::Eq, &[a, b]) => truth(a == b),
        (Scalar::Ne, &[a, b]) => truth(a != b),
        (Scalar::Cast, &[a]) => Some(a),
        _ => None,
    }
}

fn integer(scalar: Scalar, x: &[f64], from: DType, to: DType) -> Option<f64> {
    // Exact in f64 while it stays in range; a result that wraps is left to the kernel.
    let range = match from {
        DType::U32 => 0.0..=f64::from(u32::MAX),
        _ => f64::from(i32::MIN)..=f64::from(i32::MAX),
    };
    let fits = |v: f64| range.contains(&v).then_some(v);
    match (scalar, x) {
        (Scalar::Add, &[a, b]) => fits(a + b),
        (Scalar::Sub, &[a, b]) => fits(a - b),
        (Scalar::Mul, &[a, b]) => fits(a * b),
        (Scalar::Neg, &[a]) => fits(-a),
        (Scalar::Lt, &[a, b]) => truth(a < b),
        (Scalar::Le, &[a, b]) => truth(a <= b),
        (Scalar::Eq, &[a, b]) => truth(a == b),
        (Scalar::Ne, &[a, b]) => truth(a != b),
        (Scalar::Cast, &[a]) => match to {
            // Bits or values: the emitters' business.
            DType::I32 | DType::U32 if from != to => None,
            _ => cast(a, to),
        },
        _ => None,
    }
}
