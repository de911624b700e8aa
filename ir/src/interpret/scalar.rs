//! What one scalar instruction means, in f64.

use crate::dtype::DType;
use crate::scalar::{Scalar, remainder};

/// A number as an element of the type: integers wrap, bools are 0 and 1, floats keep f64's precision.
pub(super) fn rounded(value: f64, dtype: DType) -> f64 {
    match dtype {
        DType::Float | DType::F32 | DType::F64 => value,
        DType::I32 => f64::from(value as i64 as i32),
        DType::U32 => f64::from(value as i64 as u32),
        DType::Bool => f64::from(u8::from(value != 0.0)),
    }
}

/// One scalar instruction on operands of type `from`, to type `to`.
pub(crate) fn scalar(op: Scalar, from: DType, to: DType, a: &[f64]) -> f64 {
    let truth = |t: bool| f64::from(u8::from(t));
    let x = a.first().copied().unwrap_or(0.0);
    let y = a.get(1).copied().unwrap_or(0.0);
    let whole = from.is_integer();
    let result = match op {
        Scalar::Add => x + y,
        Scalar::Sub => x - y,
        // Products of integers reach 2^64: exact in i128, wrapped below.
        Scalar::Mul if whole => return wrapped(x as i128 * y as i128, to),
        Scalar::Mul => x * y,
        Scalar::Div => x / y,
        Scalar::Rem if whole && y == 0.0 => 0.0,
        Scalar::Rem => remainder(x, y),
        Scalar::Maximum if x.is_nan() || y.is_nan() => f64::NAN,
        Scalar::Maximum => x.max(y),
        Scalar::Minimum if x.is_nan() || y.is_nan() => f64::NAN,
        Scalar::Minimum => x.min(y),
        Scalar::Neg => -x,
        Scalar::Abs => x.abs(),
        Scalar::Sqrt => x.sqrt(),
        Scalar::Exp => x.exp(),
        Scalar::Log => x.ln(),
        Scalar::Tanh => x.tanh(),
        Scalar::Erf => libm::erf(x),
        Scalar::Floor => x.floor(),
        Scalar::Sign if x.is_nan() || x == 0.0 => x,
        Scalar::Sign => x.signum(),
        Scalar::Lt => return truth(x < y),
        Scalar::Le => return truth(x <= y),
        Scalar::Eq => return truth(x == y),
        Scalar::Ne => return truth(x != y),
        Scalar::And => return truth(x != 0.0 && y != 0.0),
        Scalar::Or => return truth(x != 0.0 || y != 0.0),
        Scalar::Not => return truth(x == 0.0),
        Scalar::Select => match x != 0.0 {
            true => y,
            false => a.get(2).copied().unwrap_or(0.0),
        },
        Scalar::Cast if from.is_float() => match to {
            // `as` truncates, saturates, and makes NaN 0.
            DType::I32 => f64::from(x as i32),
            DType::U32 => f64::from(x as u32),
            DType::Bool => truth(x != 0.0),
            DType::Float | DType::F32 | DType::F64 => x,
        },
        Scalar::Cast => x,
    };
    rounded(result, to)
}

fn wrapped(value: i128, to: DType) -> f64 {
    match to {
        DType::U32 => f64::from(value as u32),
        DType::I32 | DType::Bool | DType::Float | DType::F32 | DType::F64 => {
            f64::from(value as i32)
        }
    }
}
