//! Sine, cosine and arc tangent.
//!
//! Arguments of the first two are brought into `-pi/4..=pi/4` by whole quarter turns, whose length stands in
//! parts short enough that their products with the number of turns are exact (Cody and Waite). Arguments
//! beyond that number of turns are rare: where a lane has one, the reference is called. Their polynomials are
//! those of Cephes (S. Moshier, public domain).

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, Value};
use sinew_ir::scalar::UnaryFloat;
use std::f64::consts::{FRAC_2_PI, FRAC_PI_2};

use super::EmitError;
use super::frame::Frame;
use super::lanes::Lanes;
use super::math::Formula;
use super::scalar::ScalarOperand;

/// The constants of [`Formula::sine`].
struct Circle {
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
const SINGLE: Circle = Circle {
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
const DOUBLE: Circle = Circle {
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

/// The constants of [`Formula::atan`].
struct Arc {
    /// `(atan(z) - z) / z^3` in `z^2` for z up to 1, the highest coefficient first.
    series: &'static [f64],
    /// What a quarter turn is more than its nearest number, where that shows.
    rest: Option<f64>,
}

const SINGLE_ARC: Arc = Arc {
    series: &[
        2.921_432_7e-3,
        -0.016_370_999,
        0.043_217_063,
        -0.075_526_774,
        0.106_662_35,
        -0.142_111_18,
        0.199_937_82,
        -0.333_331_53,
    ],
    rest: None,
};

const DOUBLE_ARC: Arc = Arc {
    series: &[
        -2.027_278_952_609_217e-5,
        2.231_605_382_380_559e-4,
        -1.164_690_039_448_961_8e-3,
        3.857_667_758_716_187e-3,
        -9.187_729_725_236_437e-3,
        0.016_982_338_569_315_535,
        -0.025_831_169_336_660_506,
        0.034_071_202_030_440_055,
        -0.040_928_409_056_950_055,
        0.046_740_432_405_056_11,
        -0.052_392_663_330_054_46,
        0.058_773_168_341_941_67,
        -0.066_658_622_166_681_39,
        0.076_922_132_090_345_86,
        -0.090_909_012_650_798_95,
        0.111_111_106_808_793_24,
        -0.142_857_142_714_295_53,
        0.199_999_999_997_572_76,
        -0.333_333_333_333_318_77,
    ],
    rest: Some(6.123_233_995_736_766e-17),
};

impl Frame<'_> {
    /// [`UnaryFloat::Sin`], or [`UnaryFloat::Cos`]: the sine a quarter turn ahead.
    ///
    /// Within 2.3 ulp in f32, 2.1 in f64.
    pub(super) fn sine(
        &mut self,
        function: UnaryFloat,
        a: ScalarOperand,
        lanes: Lanes,
    ) -> Result<Value, EmitError> {
        let ahead = u64::from(function == UnaryFloat::Cos);
        let mut formula = Formula::new(self, a.value, lanes);
        let limit = formula.of(&SINGLE, &DOUBLE).limit;
        let limit = formula.real(limit);
        let magnitude = formula.magnitude(a.value);
        let near = formula.sine(a.value, ahead);
        let far = self.b.ins().fcmp(FloatCC::GreaterThan, magnitude, limit);
        let any = match lanes.count {
            1 => far,
            _ => self.b.ins().vany_true(far),
        };
        let (called, done) = (self.b.create_block(), self.b.create_block());
        let ty = self.b.func.dfg.value_type(a.value);
        let result = self.b.append_block_param(done, ty);
        let near_result = [BlockArg::Value(near)];
        self.b.ins().brif(any, called, &[], done, &near_result);
        self.b.set_cold_block(called);
        self.b.switch_to_block(called);
        self.scoped(|f| {
            let y = f.reference(function, a, lanes)?;
            // The other lanes have what they have in any other company.
            let y = f.choose(far, y, near, lanes);
            f.b.ins().jump(done, &[BlockArg::Value(y)]);
            Ok(())
        })?;
        self.b.switch_to_block(done);
        Ok(result)
    }
}

impl Formula<'_, '_> {
    /// The sine of up to [`Circle::limit`], `ahead` by quarter turns.
    fn sine(&mut self, x: Value, ahead: u64) -> Value {
        let table = self.of(&SINGLE, &DOUBLE);
        let turn = self.real(FRAC_2_PI);
        let round = self.real(self.element.round);
        let shifted = self.multiply_add(x, turn, round);
        let n = self.sub(shifted, round);
        let mut r = x;
        for part in table.quarter {
            let part = self.real(-part);
            r = self.multiply_add(n, part, r);
        }
        let turns = self.bits(shifted);
        let ahead = self.integer(ahead);
        let turns = self.f.b.ins().iadd(turns, ahead);

        let square = self.mul(r, r);
        let sine = self.horner(square, table.sine);
        let cube = self.mul(r, square);
        let sine = self.multiply_add(cube, sine, r);
        let cosine = self.horner(square, table.cosine);
        let half = self.real(-0.5);
        let one = self.real(1.0);
        let head = self.multiply_add(square, half, one);
        let fourth = self.mul(square, square);
        let cosine = self.multiply_add(fourth, cosine, head);

        // The sine has the sign of r, that of a zero too, which the sum above has lost.
        let sine = self.bits(sine);
        let sign = self.sign(r);
        let sine = self.f.b.ins().bor(sine, sign);
        // Odd turns exchange the two; the second and third of four are negative.
        let one = self.integer(1);
        let odd = self.f.b.ins().band(turns, one);
        let odd = self.f.b.ins().ineg(odd);
        let cosine = self.bits(cosine);
        let bits = self.f.b.ins().bitselect(odd, cosine, sine);
        let two = self.integer(2);
        let negative = self.f.b.ins().band(turns, two);
        let negative = self.up(negative, self.element.bits - 2);
        let bits = self.f.b.ins().bxor(bits, negative);
        self.float(bits)
    }

    /// The arc tangent: of a magnitude above 1 a quarter turn less that of its reciprocal.
    ///
    /// Within 2 ulp in f32, 1.9 in f64.
    pub(super) fn atan(&mut self, x: Value) -> Value {
        let table = self.of(&SINGLE_ARC, &DOUBLE_ARC);
        let one = self.real(1.0);
        let magnitude = self.magnitude(x);
        let far = self.mask(FloatCC::LessThan, one, magnitude);
        let above = self.at_most(magnitude, 1.0);
        let below = self.at_least(magnitude, 1.0);
        let z = self.div(above, below);
        let square = self.mul(z, z);
        let fourth = self.mul(square, square);
        let p = self.polynomial(square, fourth, table.series);
        let tail = self.mul(p, square);
        // `-z` from here on where x is far.
        let minus = self.integer(1 << (self.element.bits - 1));
        let minus = self.f.b.ins().band(far, minus);
        let z = self.bits(z);
        let z = self.f.b.ins().bxor(z, minus);
        let z = self.float(z);
        let y = match table.rest {
            None => self.multiply_add(tail, z, z),
            Some(rest) => {
                let rest = self.only(far, rest);
                let y = self.multiply_add(tail, z, rest);
                self.add(y, z)
            }
        };
        let quarter = self.only(far, FRAC_PI_2);
        let y = self.add(y, quarter);
        self.signed(y, x)
    }
}
