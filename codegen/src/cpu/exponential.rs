//! `e^x` and `e^x - 1`.

use cranelift_codegen::ir::{InstBuilder, Value};
use std::f64::consts::{LN_2, LOG2_E};

use super::math::Formula;

/// The constants of [`Formula::exp`] and of what is computed from it.
struct Exponential {
    /// `(e^r - 1 - r) / r^2` for `|r| <= ln(2) / 2`, the highest coefficient first.
    series: &'static [f64],
    /// The least argument with a normal result.
    least: f64,
    /// The greatest argument with a finite result: the exponent is one too large there, but e^r below 1.
    greatest: f64,
    /// `e^x - 1` is -1 from here down.
    minus_one: f64,
    /// `e^x` is infinite from here on; a round number.
    infinite: f64,
}

const SINGLE: Exponential = Exponential {
    series: &[
        1.394_610_6e-3,
        8.366_404e-3,
        0.041_666_288,
        0.166_665_45,
        0.5,
    ],
    least: -87.336_54,
    greatest: 88.722_83,
    minus_one: -18.0,
    infinite: 89.0,
};

const DOUBLE: Exponential = Exponential {
    series: &[
        2.511_406_579_206_002e-8,
        2.762_569_540_771_416e-7,
        2.755_722_935_692_408_4e-6,
        2.480_150_628_964_778_8e-5,
        1.984_126_990_130_869e-4,
        1.388_888_893_053_579e-3,
        8.333_333_333_315_467e-3,
        0.041_666_666_666_580_79,
        0.166_666_666_666_666_85,
        0.500_000_000_000_000_4,
    ],
    least: -708.396_418_532_264_1,
    greatest: 709.782_712_893_384,
    minus_one: -40.0,
    infinite: 710.0,
};

/// `e^x` as `2^n (1 + t)`.
struct Power {
    /// `e^r - 1` with `|r| <= ln(2) / 2`.
    t: Value,
    /// A float whose lowest bits are n.
    n: Value,
}

impl Formula<'_, '_> {
    fn exponential(&self) -> &'static Exponential {
        self.of(&SINGLE, &DOUBLE)
    }

    /// `e^x` in parts, for an x that is not far outside of where it is a normal number; ln 2 is in parts
    /// too.
    fn power(&mut self, x: Value, ln_2: &[f64]) -> Power {
        let table = self.exponential();
        let log2_e = self.real(LOG2_E);
        let round = self.real(self.element.round);
        let shifted = self.multiply_add(x, log2_e, round);
        let n = self.sub(shifted, round);
        let mut r = x;
        for part in ln_2 {
            let part = self.real(-part);
            r = self.multiply_add(n, part, r);
        }
        let square = self.mul(r, r);
        let p = self.polynomial(r, square, table.series);
        let t = self.multiply_add(p, square, r);
        Power { t, n: shifted }
    }

    /// `2^n` times a power of two.
    fn two_to(&mut self, power: &Power, scale: f64) -> Value {
        let n = self.bits(power.n);
        let n = self.up(n, self.element.fraction);
        let scale = self.bits_of(scale);
        let bits = self.f.b.ins().iadd(n, scale);
        self.float(bits)
    }

    /// `e^x`. Results below the normal range are 0.
    ///
    /// Within 1.1 ulp.
    pub(super) fn exp(&mut self, x: Value) -> Value {
        let table = self.exponential();
        let near = self.at_most(x, table.greatest);
        let near = self.at_least(near, table.least);
        let power = self.power(near, &self.element.ln_2);
        let one = self.real(1.0);
        let p = self.add(power.t, one);
        // Times 2^n: n is added to the exponent.
        let n = self.bits(power.n);
        let n = self.up(n, self.element.fraction);
        let bits = self.bits(p);
        let bits = self.f.b.ins().iadd(bits, n);
        let scaled = self.float(bits);
        // By how far x is outside, times the greatest number: the next argument above the clamped ones
        // already carries the sum past that number, and the next one below carries it below 0. A NaN
        // stays one.
        let outside = self.sub(x, near);
        let greatest = self.real(self.element.greatest);
        let y = self.multiply_add(outside, greatest, scaled);
        self.at_least(y, 0.0)
    }

    /// `e^x - 1`: `2^n t + 2^n - 1`.
    ///
    /// Within 1.8 ulp in f32, 2.2 in f64.
    pub(super) fn expm1(&mut self, x: Value) -> Value {
        let table = self.exponential();
        let near = self.at_most(x, table.infinite);
        let near = self.at_least(near, table.minus_one);
        let power = self.power(near, &self.element.ln_2);
        // In halves: 2^n itself is infinite where the result need not be. What is doubled is t and not
        // the sum, whose half may be subnormal.
        let half = self.two_to(&power, 0.5);
        let twice = self.add(power.t, power.t);
        let minus = self.real(-0.5);
        let rest = self.add(half, minus);
        let y = self.multiply_add(twice, half, rest);
        let y = self.add(y, rest);
        // The sum of -0 and the square of it is +0.
        self.signed(y, x)
    }

    /// `e^x` of an x from -64 to 0 and each of the given numbers, -1 or 1, added with one rounding; for
    /// functions that level off, where the rounding of ln 2 does not show.
    pub(super) fn beside_power<const N: usize>(
        &mut self,
        x: Value,
        beside: [f64; N],
    ) -> [Value; N] {
        let power = self.power(x, &[LN_2]);
        let scale = self.two_to(&power, 1.0);
        beside.map(|number| {
            let number = self.real(number);
            let rest = self.add(scale, number);
            self.multiply_add(power.t, scale, rest)
        })
    }
}
