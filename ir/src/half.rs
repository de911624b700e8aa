//! Numbers of 16 bits: how they round, and their bits.
//!
//! binary16 has 5 bits of exponent and 10 of significand, bfloat16 the 8 of an f32 and 7. Both are in every
//! f32, and so in every f64, exactly.

use crate::dtype::DType;

/// A format of 16 bits.
#[derive(Clone, Copy)]
struct Format {
    /// Bits of the significand, the one in front of the point counted.
    digits: i32,
    /// The exponent of the least normal number.
    least: i32,
    /// The greatest number.
    greatest: f64,
}

/// The format of a half; none of another type.
fn format(dtype: DType) -> Option<Format> {
    match dtype {
        DType::F16 => Some(Format {
            digits: 11,
            least: -14,
            greatest: 65504.0,
        }),
        DType::Bf16 => Some(Format {
            digits: 8,
            least: -126,
            // (2 - 2^-7) * 2^127
            greatest: 255.0 * 2f64.powi(120),
        }),
        DType::Float | DType::F32 | DType::F64 | DType::I32 | DType::U32 | DType::Bool => None,
    }
}

/// The nearest number of a half's type, the even one of two; past the greatest by half a step or more an
/// infinity. A number of another type is as it was.
pub(crate) fn nearest(dtype: DType, number: f64) -> f64 {
    let Some(format) = format(dtype).filter(|_| number.is_finite()) else {
        return number;
    };
    let biased = (number.to_bits() >> 52) & 0x7ff;
    let exponent = i32::try_from(biased).map_or(format.least, |b| b - 1023);
    // Exact: a power of two, far from the ends of f64.
    let step = 2f64.powi(exponent.max(format.least) - (format.digits - 1));
    let rounded = (number / step).round_ties_even() * step;
    match rounded.abs() > format.greatest {
        true => f64::INFINITY.copysign(number),
        false => rounded,
    }
}

impl DType {
    /// The 16 bits of the half nearest to a number; 0 of another type.
    ///
    /// ```
    /// use sinew_ir::DType;
    /// assert_eq!(DType::F16.half_bits(1.5), 0x3e00);
    /// assert_eq!(DType::Bf16.half_bits(1.5), 0x3fc0);
    /// ```
    pub fn half_bits(self, number: f64) -> u16 {
        let single = (nearest(self, number) as f32).to_bits();
        match self {
            DType::Bf16 => (single >> 16) as u16,
            DType::F16 => {
                let sign = (single >> 16) & 0x8000;
                let size = single & 0x7fff_ffff;
                let bits = match size {
                    // NaN stays one.
                    0x7f80_0001.. => 0x7e00,
                    0x7f80_0000 => 0x7c00,
                    // From the least normal number on: the exponent counts from 15, not from 127.
                    0x3880_0000.. => (size >> 13) - (112 << 10),
                    // Multiples of 2^-24.
                    _ => (f64::from(f32::from_bits(size)) * 2f64.powi(24)) as u32,
                };
                (sign | bits) as u16
            }
            DType::Float | DType::F32 | DType::F64 | DType::I32 | DType::U32 | DType::Bool => 0,
        }
    }

    /// The number of a half with these bits; 0 of another type.
    ///
    /// ```
    /// use sinew_ir::DType;
    /// assert_eq!(DType::F16.of_half_bits(0x7bff), 65504.0);
    /// assert_eq!(DType::Bf16.of_half_bits(0xff80), f64::NEG_INFINITY);
    /// ```
    pub fn of_half_bits(self, bits: u16) -> f64 {
        match self {
            DType::Bf16 => f64::from(f32::from_bits(u32::from(bits) << 16)),
            DType::F16 => {
                let significand = f64::from(bits & 0x3ff);
                let size = match i32::from((bits >> 10) & 0x1f) {
                    0 => significand * 2f64.powi(-24),
                    31 if significand == 0.0 => f64::INFINITY,
                    31 => f64::NAN,
                    exponent => (1024.0 + significand) * 2f64.powi(exponent - 25),
                };
                match bits & 0x8000 {
                    0 => size,
                    _ => -size,
                }
            }
            DType::Float | DType::F32 | DType::F64 | DType::I32 | DType::U32 | DType::Bool => 0.0,
        }
    }
}
