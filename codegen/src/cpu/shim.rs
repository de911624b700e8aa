//! Functions that compiled code calls by their address.

use sinew_ir::remainder;
use sinew_ir::scalar::{Meaning, UnaryFloat};

/// NumPy's `%`: the remainder with the sign of the divisor.
pub(super) extern "C" fn rem_f32(x: f32, y: f32) -> f32 {
    let rest = x % y;
    if rest == 0.0 {
        return rest.copysign(y);
    }
    if (rest < 0.0) != (y < 0.0) {
        rest + y
    } else {
        rest
    }
}

/// [`rem_f32`] in f64.
pub(super) extern "C" fn rem_f64(x: f64, y: f64) -> f64 {
    remainder(x, y)
}

/// The reference of a function, which is given by its place in its class.
pub(super) extern "C" fn function(x: f64, place: u32) -> f64 {
    let found = UnaryFloat::ALL.get(place as usize);
    match found.map(|f| f.def().meaning) {
        Some(Meaning::One { float, .. }) => float(x),
        // Compiled code passes places of the class only.
        Some(_) | None => f64::NAN,
    }
}
