//! Numbers for tests that run in each float of each device.

use crate::devices::devices;
use ndarray::Array2;
use sinew::prelude::*;

/// Rows of two numbers between -1 and 1.
pub fn points(rows: usize) -> Array2<f64> {
    Array2::from_shape_fn((rows, 2), |(i, j)| (0.9 * (2 * i + j) as f64).cos())
}

/// Whether numbers are those expected, relative to the greatest of these.
pub fn close(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    let greatest = expected.iter().fold(1e-3f64, |m, v| m.max(v.abs()));
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= tolerance * greatest, "{what}: {f} for {e}");
    }
}

/// What a step gives in the float that the device has.
pub fn floats() -> Vec<(Device, Precision, f64)> {
    let narrow = devices().into_iter().map(|d| (d, Precision::F32, 1e-5));
    let wide = (Device::cpu(), Precision::F64, 1e-9);
    narrow.chain([wide]).collect()
}
