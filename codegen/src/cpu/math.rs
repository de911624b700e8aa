//! exp, log, expm1, log1p, tanh, erf and atan of f32 as polynomials, over one or several lanes, without
//! branches.
//!
//! Within a few units in the last place of the true value over the whole range, NaN, infinities and
//! subnormal arguments included (only exp's subnormal results are 0); the tests hold 1e-6 relative.
//! Callers that have the processor take subnormal numbers for zeros, as the runtime does, get the
//! value at zero for them. Selections are bit masks and single `min`/`max` instructions: a blend takes
//! three. Coefficients of exp, log and atan are those of Cephes (S. Moshier, public domain); tanh and erf
//! are rational functions on the clamped argument with the coefficients that Eigen and XLA use.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use sinew_ir::DType;

use super::EmitError;
use super::frame::Frame;
use super::lanes::Lanes;

/// `(e^r - 1 - r) / r^2` for `|r| <= ln(2) / 2`, the highest coefficient first.
const EXP_SERIES: [f32; 6] = [
    1.987_569_1e-4,
    1.398_199_9e-3,
    8.333_452e-3,
    4.166_579_6e-2,
    1.666_666_5e-1,
    0.5,
];

impl Frame<'_> {
    fn real(&mut self, value: f32, lanes: Lanes) -> Result<Value, EmitError> {
        self.constant(f64::from(value), DType::F32, lanes)
    }

    fn bits(&mut self, value: u32, lanes: Lanes) -> Result<Value, EmitError> {
        self.constant(f64::from(value), DType::U32, lanes)
    }

    /// Shifts every lane; the amount is one scalar whatever the lanes.
    fn shift_left(&mut self, x: Value, bits: i64) -> Value {
        let bits = self.b.ins().iconst(types::I32, bits);
        self.b.ins().ishl(x, bits)
    }

    /// [`Frame::shift_left`] to the right, keeping the sign.
    fn shift_right(&mut self, x: Value, bits: i64) -> Value {
        let bits = self.b.ins().iconst(types::I32, bits);
        self.b.ins().sshr(x, bits)
    }

    /// `a * b + c`, fused where the host can.
    pub(super) fn multiply_add(&mut self, a: Value, b: Value, c: Value) -> Value {
        if self.caps.fma {
            self.b.ins().fma(a, b, c)
        } else {
            let product = self.b.ins().fmul(a, b);
            self.b.ins().fadd(product, c)
        }
    }

    /// A polynomial by Horner's rule, the highest coefficient first.
    fn polynomial(
        &mut self,
        x: Value,
        coefficients: &[f32],
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let mut sum = self.real(coefficients[0], lanes)?;
        for &c in &coefficients[1..] {
            let c = self.real(c, lanes)?;
            sum = self.multiply_add(sum, x, c);
        }
        Ok(sum)
    }

    /// `x` moved into `low..=high`; NaN stays.
    fn clamp(&mut self, x: Value, low: f32, high: f32, lanes: Lanes) -> Result<Value, EmitError> {
        let high = self.real(high, lanes)?;
        let low = self.real(low, lanes)?;
        let x = self.lesser(high, x, lanes);
        Ok(self.greater(low, x, lanes))
    }

    /// A bool as all ones or zeros in an integer register of the lanes' type.
    fn mask(&mut self, condition: Value, lanes: Lanes) -> Result<Value, EmitError> {
        if lanes.count > 1 {
            return Ok(condition);
        }
        let integers = self.ty(DType::I32, lanes)?;
        Ok(self.b.ins().bmask(integers, condition))
    }

    /// A float where the condition holds, 0 elsewhere. One instruction, where a blend takes three.
    fn only(&mut self, condition: Value, bits: u32, lanes: Lanes) -> Result<Value, EmitError> {
        let mask = self.mask(condition, lanes)?;
        let bits = self.bits(bits, lanes)?;
        let value = self.b.ins().band(mask, bits);
        let floats = self.ty(DType::F32, lanes)?;
        Ok(self.cast_bits(value, floats))
    }

    /// `e^x`: `2^n * e^r` with `|r| <= ln(2) / 2`. Results below the normal range are 0.
    pub(super) fn exp(&mut self, x: Value, lanes: Lanes) -> Result<Value, EmitError> {
        /// Adding and subtracting it rounds to an integer, which its lowest bits then hold.
        const ROUND: f32 = 12_582_912.0;
        /// The least argument with a normal result.
        const LEAST: f32 = -87.336_54;
        /// The greatest argument with a finite result: n is 128 there, but e^r below 1.
        const GREATEST: f32 = 88.722_83;
        let integers = self.ty(DType::I32, lanes)?;
        let floats = self.ty(DType::F32, lanes)?;
        let near = self.clamp(x, LEAST, GREATEST, lanes)?;
        let log2_e = self.real(std::f32::consts::LOG2_E, lanes)?;
        let round = self.real(ROUND, lanes)?;
        let shifted = self.multiply_add(near, log2_e, round);
        let n = self.b.ins().fsub(shifted, round);
        // ln 2 in two parts, the first exact in its product with n.
        let high = self.real(-0.693_359_4, lanes)?;
        let low = self.real(2.121_944_4e-4, lanes)?;
        let r = self.multiply_add(n, high, near);
        let r = self.multiply_add(n, low, r);
        let p = self.polynomial(r, &EXP_SERIES, lanes)?;
        let square = self.b.ins().fmul(r, r);
        let one = self.real(1.0, lanes)?;
        let tail = self.b.ins().fadd(r, one);
        let p = self.multiply_add(p, square, tail);

        // Times 2^n: n is added to the exponent.
        let n = self.cast_bits(shifted, integers);
        let n = self.shift_left(n, 23);
        let bits = self.cast_bits(p, integers);
        let scaled = self.b.ins().iadd(bits, n);
        let least = self.real(LEAST, lanes)?;
        let below = self.b.ins().fcmp(FloatCC::LessThan, x, least);
        let below = self.mask(below, lanes)?;
        let scaled = self.b.ins().band_not(scaled, below);
        // A NaN's payload took part in the addition: all ones are a NaN again.
        let nan = self.is_nan(x);
        let nan = self.mask(nan, lanes)?;
        let scaled = self.b.ins().bor(scaled, nan);
        let scaled = self.cast_bits(scaled, floats);
        let greatest = self.real(GREATEST, lanes)?;
        let above = self.b.ins().fcmp(FloatCC::LessThan, greatest, x);
        let infinity = self.only(above, f32::INFINITY.to_bits(), lanes)?;
        Ok(self.greater(infinity, scaled, lanes))
    }

    /// `e^x - 1`: exp's series without its 1 where `|x| <= ln(2) / 2`; far from there the subtraction
    /// loses nothing.
    pub(super) fn expm1(&mut self, x: Value, lanes: Lanes) -> Result<Value, EmitError> {
        let p = self.polynomial(x, &EXP_SERIES, lanes)?;
        let square = self.b.ins().fmul(x, x);
        let close = self.multiply_add(p, square, x);
        let power = self.exp(x, lanes)?;
        let one = self.real(1.0, lanes)?;
        let far = self.b.ins().fsub(power, one);
        let magnitude = self.b.ins().fabs(x);
        let limit = self.real(std::f32::consts::LN_2 / 2.0, lanes)?;
        let near = self.b.ins().fcmp(FloatCC::LessThan, magnitude, limit);
        self.either(near, close, far, lanes)
    }

    /// A float where the condition holds, another elsewhere.
    fn either(
        &mut self,
        condition: Value,
        holds: Value,
        otherwise: Value,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let integers = self.ty(DType::I32, lanes)?;
        let floats = self.ty(DType::F32, lanes)?;
        let mask = self.mask(condition, lanes)?;
        let holds = self.cast_bits(holds, integers);
        let otherwise = self.cast_bits(otherwise, integers);
        let holds = self.b.ins().band(holds, mask);
        let otherwise = self.b.ins().band_not(otherwise, mask);
        let bits = self.b.ins().bor(holds, otherwise);
        Ok(self.cast_bits(bits, floats))
    }

    /// The natural logarithm.
    pub(super) fn log(&mut self, x: Value, lanes: Lanes) -> Result<Value, EmitError> {
        self.logarithm(x, None, lanes)
    }

    /// `log(1 + x)`.
    pub(super) fn log1p(&mut self, x: Value, lanes: Lanes) -> Result<Value, EmitError> {
        let one = self.real(1.0, lanes)?;
        let sum = self.b.ins().fadd(one, x);
        self.logarithm(sum, Some(x), lanes)
    }

    /// The natural logarithm of `x`: `e ln 2 + log(1 + f)` with `1 + f` from the square root of 1/2 to
    /// that of 2. Where e is 0, f is `offset` if there is one: `x - 1` before it was rounded.
    fn logarithm(
        &mut self,
        x: Value,
        offset: Option<Value>,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let floats = self.ty(DType::F32, lanes)?;
        let integers = self.ty(DType::I32, lanes)?;
        let zero = self.real(0.0, lanes)?;
        let one = self.real(1.0, lanes)?;
        // Subnormal numbers are scaled by 2^23 into the normal range.
        let smallest = self.real(f32::MIN_POSITIVE, lanes)?;
        let subnormal = self.b.ins().fcmp(FloatCC::LessThan, x, smallest);
        let factor = self.only(subnormal, 8_388_608.0_f32.to_bits(), lanes)?;
        let factor = self.greater(factor, one, lanes);
        let normal = self.b.ins().fmul(x, factor);
        let correction = self.only(subnormal, (-23.0_f32).to_bits(), lanes)?;

        let bits = self.cast_bits(normal, integers);
        let root = self.bits(std::f32::consts::FRAC_1_SQRT_2.to_bits(), lanes)?;
        let above = self.b.ins().isub(bits, root);
        let exponent = self.shift_right(above, 23);
        let back = self.shift_left(exponent, 23);
        let mantissa = self.b.ins().isub(bits, back);
        let m = self.cast_bits(mantissa, floats);
        let e = self.b.ins().fcvt_from_sint(floats, exponent);
        let e = self.b.ins().fadd(e, correction);
        let mut f = self.b.ins().fsub(m, one);
        if let Some(offset) = offset {
            let near = self.b.ins().fcmp(FloatCC::Equal, e, zero);
            f = self.either(near, offset, f, lanes)?;
        }

        let p = self.polynomial(
            f,
            &[
                7.037_683_6e-2,
                -1.151_461e-1,
                1.167_699_87e-1,
                -1.242_014_1e-1,
                1.424_932_3e-1,
                -1.666_805_7e-1,
                2.000_071_5e-1,
                -2.499_999_4e-1,
                3.333_333e-1,
            ],
            lanes,
        )?;
        let square = self.b.ins().fmul(f, f);
        let cube = self.b.ins().fmul(square, f);
        let y = self.b.ins().fmul(p, cube);
        let low = self.real(-2.121_944_4e-4, lanes)?;
        let y = self.multiply_add(e, low, y);
        let half = self.real(-0.5, lanes)?;
        let y = self.multiply_add(square, half, y);
        let y = self.b.ins().fadd(f, y);
        let high = self.real(0.693_359_4, lanes)?;
        let y = self.multiply_add(e, high, y);

        // 0 has minus infinity; infinity and NaN, added to y, are their own logarithm; all ones are
        // a NaN, for what is below 0.
        let none = self.b.ins().fcmp(FloatCC::Equal, x, zero);
        let minus = self.only(none, f32::NEG_INFINITY.to_bits(), lanes)?;
        let y = self.b.ins().fadd(y, minus);
        let infinity = self.real(f32::INFINITY, lanes)?;
        let large = self
            .b
            .ins()
            .fcmp(FloatCC::UnorderedOrGreaterThanOrEqual, x, infinity);
        let large = self.mask(large, lanes)?;
        let itself = self.cast_bits(x, integers);
        let itself = self.b.ins().band(itself, large);
        let itself = self.cast_bits(itself, floats);
        let y = self.b.ins().fadd(y, itself);
        let negative = self.b.ins().fcmp(FloatCC::LessThan, x, zero);
        let negative = self.mask(negative, lanes)?;
        let y = self.cast_bits(y, integers);
        let y = self.b.ins().bor(y, negative);
        Ok(self.cast_bits(y, floats))
    }

    /// `x * p(x^2) / q(x^2)` on the clamped argument.
    fn rational(
        &mut self,
        x: Value,
        limit: f32,
        p: &[f32],
        q: &[f32],
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let x = self.clamp(x, -limit, limit, lanes)?;
        let square = self.b.ins().fmul(x, x);
        let p = self.polynomial(square, p, lanes)?;
        let q = self.polynomial(square, q, lanes)?;
        // The quotient first: the product of the smallest x with p would lose digits.
        let slope = self.b.ins().fdiv(p, q);
        let y = self.b.ins().fmul(x, slope);
        // Rounding must not carry the result past 1.
        self.clamp(y, -1.0, 1.0, lanes)
    }

    /// The hyperbolic tangent.
    pub(super) fn tanh(&mut self, x: Value, lanes: Lanes) -> Result<Value, EmitError> {
        // From here on the quotient is past 1, whatever is fused, and is cut to 1: gelu's derivative
        // multiplies `1 - t^2` by x^3, so a last place below 1 would be seen.
        self.rational(
            x,
            9.5,
            &[
                -2.760_768_5e-16,
                2.000_188e-13,
                -8.604_672e-11,
                5.122_297e-8,
                1.485_722_4e-5,
                6.372_619e-4,
                4.893_525e-3,
            ],
            &[1.198_258_4e-6, 1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3],
            lanes,
        )
    }

    /// The error function.
    pub(super) fn erf(&mut self, x: Value, lanes: Lanes) -> Result<Value, EmitError> {
        // Past 1 as for tanh: gelu multiplies `1 + erf` by x.
        self.rational(
            x,
            4.1,
            &[
                -2.726_142_3e-10,
                2.770_681_4e-8,
                -2.101_024e-6,
                -5.692_506_4e-5,
                -7.349_906_4e-4,
                -2.954_6e-3,
                -1.609_603_3e-2,
            ],
            &[
                -1.456_607_2e-5,
                -2.133_740_6e-4,
                -1.682_826_9e-3,
                -7.373_329_3e-3,
                -1.426_473_9e-2,
            ],
            lanes,
        )
    }

    /// The arc tangent: of a magnitude above `tan(3/8 pi)` that of `-1 / x` behind a quarter turn, above
    /// `tan(pi / 8)` that of `(x - 1) / (x + 1)` behind an eighth.
    pub(super) fn atan(&mut self, x: Value, lanes: Lanes) -> Result<Value, EmitError> {
        use std::f32::consts::{FRAC_PI_2, FRAC_PI_4};
        let t = self.b.ins().fabs(x);
        let (zero, one) = (self.real(0.0, lanes)?, self.real(1.0, lanes)?);
        let minus = self.real(-1.0, lanes)?;
        let limit = self.real(0.414_213_57, lanes)?;
        let middle = self.b.ins().fcmp(FloatCC::GreaterThan, t, limit);
        let limit = self.real(2.414_213_7, lanes)?;
        let far = self.b.ins().fcmp(FloatCC::GreaterThan, t, limit);
        let pick = |f: &mut Self, near, between, beyond| {
            let y = f.choose(middle, between, near, lanes);
            f.choose(far, beyond, y, lanes)
        };
        let (less, more) = (self.b.ins().fsub(t, one), self.b.ins().fadd(t, one));
        let above = pick(self, t, less, minus);
        let below = pick(self, one, more, t);
        let (eighth, quarter) = (self.real(FRAC_PI_4, lanes)?, self.real(FRAC_PI_2, lanes)?);
        let start = pick(self, zero, eighth, quarter);
        let z = self.b.ins().fdiv(above, below);
        let square = self.b.ins().fmul(z, z);
        let p = self.polynomial(
            square,
            &[
                8.053_744_5e-2,
                -1.387_768_6e-1,
                1.997_771_1e-1,
                -3.333_295e-1,
            ],
            lanes,
        )?;
        let tail = self.b.ins().fmul(p, square);
        let y = self.multiply_add(tail, z, z);
        let y = self.b.ins().fadd(start, y);
        // All of this is positive: the sign is that of x.
        let (integers, floats) = (self.ty(DType::I32, lanes)?, self.ty(DType::F32, lanes)?);
        let sign = self.bits(1 << 31, lanes)?;
        let bits = self.cast_bits(x, integers);
        let sign = self.b.ins().band(bits, sign);
        let bits = self.cast_bits(y, integers);
        let bits = self.b.ins().bor(bits, sign);
        Ok(self.cast_bits(bits, floats))
    }
}
