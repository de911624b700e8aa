//! Sine and cosine of f32 and f64 over one or several lanes.
//!
//! Within 2 units in the last place over the whole range, infinities (NaN) and zeros (which keep their
//! sign) included; the tests hold 1e-6 and 1e-14 relative. Arguments are brought into
//! `-pi/4..=pi/4` by whole quarter turns, whose length stands in parts short enough that their products
//! with the number of turns are exact (Cody and Waite). Arguments beyond that number of turns are rare:
//! where a lane has one, the reference is called for all of them. Polynomials are those of Cephes
//! (S. Moshier, public domain).

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, Value, types};
use sinew_ir::DType;
use sinew_ir::scalar::UnaryFloat;
use std::f64::consts::FRAC_2_PI;

use super::EmitError;
use super::frame::Frame;
use super::lanes::Lanes;
use super::scalar::ScalarOperand;

/// What differs between f32 and f64.
struct Width {
    dtype: DType,
    bits: u32,
    /// Adding and subtracting it rounds to an integer, which its lowest bits then hold.
    round: f64,
    /// Up to this magnitude the products with `quarter` are exact.
    limit: f64,
    /// A quarter turn in parts.
    quarter: [f64; 4],
    /// `(sin(r) - r) / r^3` in `r^2`, the highest coefficient first.
    sine: &'static [f64],
    /// `(cos(r) - 1 + r^2 / 2) / r^4` in `r^2`.
    cosine: &'static [f64],
}

/// Parts of 8 and 11 bits, for turns of 13.
const SINGLE: Width = Width {
    dtype: DType::F32,
    bits: 32,
    round: 12_582_912.0,
    limit: 8192.0,
    quarter: [
        1.5703125,
        0.000_483_751_296_997_070_3,
        7.549_533_620_476_723e-8,
        2.563_344_068_257_089_6e-12,
    ],
    sine: &[-1.951_529_589_1e-4, 8.332_160_873_6e-3, -1.666_666_546_1e-1],
    cosine: &[
        2.443_315_711_809_948e-5,
        -1.388_731_625_493_765e-3,
        4.166_664_568_298_827e-2,
    ],
};

/// Parts of 33 bits, for turns of 20.
const DOUBLE: Width = Width {
    dtype: DType::F64,
    bits: 64,
    round: 6_755_399_441_055_744.0,
    limit: 1_647_099.0,
    quarter: [
        1.570_796_326_734_125_6,
        6.077_100_506_303_966e-11,
        2.022_266_248_711_166_5e-21,
        8.478_427_660_368_9e-32,
    ],
    sine: &[
        1.589_623_015_765_465_7e-10,
        -2.505_074_776_285_780_7e-8,
        2.755_731_362_138_572_5e-6,
        -1.984_126_982_958_954e-4,
        8.333_333_333_322_118e-3,
        -1.666_666_666_666_663e-1,
    ],
    cosine: &[
        -1.135_853_652_138_768_2e-11,
        2.087_570_084_197_473e-9,
        -2.755_731_417_929_674e-7,
        2.480_158_728_885_170_5e-5,
        -1.388_888_888_887_305_6e-3,
        4.166_666_666_666_659e-2,
    ],
};

impl Frame<'_> {
    /// [`UnaryFloat::Sin`], or [`UnaryFloat::Cos`]: the sine a quarter turn ahead.
    pub(super) fn sine(
        &mut self,
        function: UnaryFloat,
        a: ScalarOperand,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let width = match a.dtype == DType::F32 {
            true => &SINGLE,
            false => &DOUBLE,
        };
        let ahead = i64::from(function == UnaryFloat::Cos);
        let limit = self.constant(width.limit, width.dtype, lanes)?;
        let magnitude = self.b.ins().fabs(a.value);
        let mut far = self.b.ins().fcmp(FloatCC::GreaterThan, magnitude, limit);
        if lanes.count > 1 {
            far = self.b.ins().vany_true(far);
        }
        let (called, computed) = (self.b.create_block(), self.b.create_block());
        let done = self.b.create_block();
        let ty = self.b.func.dfg.value_type(a.value);
        let result = self.b.append_block_param(done, ty);
        self.b.ins().brif(far, called, &[], computed, &[]);
        self.b.set_cold_block(called);
        self.b.switch_to_block(called);
        self.scoped(|f| {
            let y = f.reference(function, a, lanes)?;
            f.b.ins().jump(done, &[BlockArg::Value(y)]);
            Ok(())
        })?;
        self.b.switch_to_block(computed);
        self.scoped(|f| {
            let y = f.sine_near(width, ahead, a.value, lanes)?;
            f.b.ins().jump(done, &[BlockArg::Value(y)]);
            Ok(())
        })?;
        self.b.switch_to_block(done);
        Ok(result)
    }

    /// The sine of up to [`Width::limit`], `ahead` by quarter turns.
    fn sine_near(
        &mut self,
        width: &Width,
        ahead: i64,
        x: Value,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let floats = self.ty(width.dtype, lanes)?;
        let integers = floats.as_int();
        let whole = |f: &mut Self, value: i64| match lanes.count {
            1 => f.b.ins().iconst(integers, value),
            _ => f.every_lane(integers, value),
        };
        let turn = self.constant(FRAC_2_PI, width.dtype, lanes)?;
        let round = self.constant(width.round, width.dtype, lanes)?;
        let shifted = self.multiply_add(x, turn, round);
        let n = self.b.ins().fsub(shifted, round);
        let mut r = x;
        for part in width.quarter {
            let part = self.constant(-part, width.dtype, lanes)?;
            r = self.multiply_add(n, part, r);
        }
        let turns = self.cast_bits(shifted, integers);
        let ahead = whole(self, ahead);
        let turns = self.b.ins().iadd(turns, ahead);

        let square = self.b.ins().fmul(r, r);
        let sine = self.horner(square, width, width.sine, lanes)?;
        let cube = self.b.ins().fmul(r, square);
        let sine = self.multiply_add(cube, sine, r);
        let cosine = self.horner(square, width, width.cosine, lanes)?;
        let half = self.constant(-0.5, width.dtype, lanes)?;
        let one = self.constant(1.0, width.dtype, lanes)?;
        let head = self.multiply_add(square, half, one);
        let fourth = self.b.ins().fmul(square, square);
        let cosine = self.multiply_add(fourth, cosine, head);

        // The sine has the sign of r, that of a zero too, which the sum above has lost.
        let sine = self.cast_bits(sine, integers);
        let sign = whole(self, 1 << (width.bits - 1));
        let r = self.cast_bits(r, integers);
        let sign = self.b.ins().band(r, sign);
        let sine = self.b.ins().bor(sine, sign);
        // Odd turns exchange the two; the second and third of four are negative.
        let one = whole(self, 1);
        let odd = self.b.ins().band(turns, one);
        let odd = self.b.ins().ineg(odd);
        let cosine = self.cast_bits(cosine, integers);
        let bits = self.b.ins().bitselect(odd, cosine, sine);
        let two = whole(self, 2);
        let negative = self.b.ins().band(turns, two);
        let up = self.b.ins().iconst(types::I32, i64::from(width.bits) - 2);
        let negative = self.b.ins().ishl(negative, up);
        let bits = self.b.ins().bxor(bits, negative);
        Ok(self.cast_bits(bits, floats))
    }

    /// A polynomial by Horner's rule, the highest coefficient first.
    fn horner(
        &mut self,
        x: Value,
        width: &Width,
        coefficients: &[f64],
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let mut sum = self.constant(coefficients[0], width.dtype, lanes)?;
        for c in &coefficients[1..] {
            let c = self.constant(*c, width.dtype, lanes)?;
            sum = self.multiply_add(sum, x, c);
        }
        Ok(sum)
    }
}
