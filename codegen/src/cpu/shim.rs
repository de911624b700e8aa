//! Functions that compiled code calls by their address.

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

/// `e^x`.
pub(super) extern "C" fn exp_f64(x: f64) -> f64 {
    x.exp()
}

/// The natural logarithm.
pub(super) extern "C" fn log_f64(x: f64) -> f64 {
    x.ln()
}

/// The hyperbolic tangent.
pub(super) extern "C" fn tanh_f64(x: f64) -> f64 {
    x.tanh()
}

/// The error function.
pub(super) extern "C" fn erf_f64(x: f64) -> f64 {
    libm::erf(x)
}

/// The greatest integer not above `x`.
pub(super) extern "C" fn floor_f32(x: f32) -> f32 {
    x.floor()
}

/// [`floor_f32`] in f64.
pub(super) extern "C" fn floor_f64(x: f64) -> f64 {
    x.floor()
}
