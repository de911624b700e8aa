//! Logarithms.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, Value};
use std::f64::consts::FRAC_1_SQRT_2;

use super::math::Formula;

/// The constants of [`Formula::logarithm`].
struct Logarithm {
    /// By how many powers of two subnormal numbers are scaled into the normal range.
    subnormal: i32,
    /// `(log((1 + s) / (1 - s)) / s - 2) / s^2` in `s^2`, the highest coefficient first, for quotients from the
    /// square root of 1/2 to that of 2.
    series: &'static [f64],
}

const SINGLE: Logarithm = Logarithm {
    subnormal: 23,
    series: &[0.298_712_37, 0.399_775_62, 0.666_667_76],
};

const DOUBLE: Logarithm = Logarithm {
    subnormal: 54,
    series: &[
        0.147_951_680_400_233_8,
        0.153_141_345_258_142_24,
        0.181_835_607_554_264_42,
        0.222_221_986_491_781_93,
        0.285_714_287_415_484_55,
        0.399_999_999_994_191_2,
        0.666_666_666_666_673_4,
    ],
};

/// What a logarithm is of.
enum Argument {
    /// A number.
    Number(Value),
    /// A number, 1 more than another.
    Beside(Value, Value),
}

impl Formula<'_, '_> {
    /// The natural logarithm.
    ///
    /// Within 0.9 ulp.
    pub(super) fn log(&mut self, x: Value) -> Value {
        self.logarithm(Argument::Number(x))
    }

    /// `log(1 + x)`.
    ///
    /// Within 1.4 ulp in f32, 1.3 in f64.
    pub(super) fn log1p(&mut self, x: Value) -> Value {
        let one = self.real(1.0);
        let sum = self.add(one, x);
        let y = self.logarithm(Argument::Beside(sum, x));
        // The logarithm of 1 is +0.
        self.signed(y, x)
    }

    /// The natural logarithm of x: `e ln 2 + log(1 + f)` with `1 + f` from the square root of 1/2 to that of 2, and
    /// `log(1 + f)` by `s = f / (2 + f)` as in fdlibm's `e_log.c` (Sun Microsystems, freely given): `f - f^2 / 2` is
    /// most of it, and what follows is a short series.
    fn logarithm(&mut self, argument: Argument) -> Value {
        let table = self.of(&SINGLE, &DOUBLE);
        let (fraction, bias) = (self.element.fraction, f64::from(self.element.bias));
        let x = match argument {
            Argument::Number(x) | Argument::Beside(x, _) => x,
        };
        let one = self.real(1.0);
        let least = self.element.least;
        let (normal, correction) = match argument {
            Argument::Number(x) => {
                let least = self.real(least);
                let subnormal = self.mask(FloatCC::LessThan, x, least);
                let factor = self.only(subnormal, 2f64.powi(table.subnormal));
                let factor = self.at_least(factor, 1.0);
                let correction = self.only(subnormal, -f64::from(table.subnormal));
                (self.mul(x, factor), Some(correction))
            }
            // It is 0 or not small; 0 would have an infinite inverse.
            Argument::Beside(sum, _) => (self.at_least(sum, least), None),
        };

        // The bits of x are moved so that the exponent changes at the root and not at 1.
        let root = self.pattern_of(FRAC_1_SQRT_2);
        let moved = self.pattern_of(1.0) - root;
        let moved = self.integer(moved);
        let bits = self.bits(normal);
        let bits = self.f.b.ins().iadd(bits, moved);
        let low = self.integer((1 << fraction) - 1);
        let mantissa = self.f.b.ins().band(bits, low);
        let root = self.integer(root);
        let mantissa = self.f.b.ins().iadd(mantissa, root);
        let mantissa = self.float(mantissa);
        let mut f = self.sub(mantissa, one);
        if let Argument::Beside(sum, x) = argument {
            let lost = self.lost(sum, x);
            let high = self.f.b.ins().band_not(bits, low);
            let scale = self.inverse(high);
            f = self.multiply_add(lost, scale, f);
        }
        // The exponent, to a float through its lowest bits.
        let whole = self.element.whole();
        let exponent = self.down(bits, fraction);
        let carrier = self.bits_of(whole);
        let exponent = self.f.b.ins().bor(exponent, carrier);
        let exponent = self.float(exponent);
        let offset = self.real(whole + bias);
        let mut e = self.sub(exponent, offset);
        if let Some(correction) = correction {
            e = self.add(e, correction);
        }

        let y = self.series(f, e);
        self.outside(x, y)
    }

    /// `e ln 2 + log(1 + f)`
    fn series(&mut self, f: Value, e: Value) -> Value {
        let table = self.of(&SINGLE, &DOUBLE);
        let two = self.real(2.0);
        let half = self.real(0.5);
        let sum = self.add(f, two);
        let ratio = self.div(f, sum);
        let square = self.mul(ratio, ratio);
        let fourth = self.mul(square, square);
        let p = self.polynomial(square, fourth, table.series);
        let halved = self.mul(f, half);
        let halved = self.mul(halved, f);
        let inner = self.multiply_add(p, square, halved);
        let [high, low] = self.element.ln_2;
        let (high, low) = (self.real(high), self.real(low));
        let rest = self.mul(e, low);
        let y = self.multiply_add(ratio, inner, rest);
        let y = self.sub(halved, y);
        let y = self.sub(f, y);
        self.multiply_add(e, high, y)
    }

    /// The logarithm of x, which is y where x is a number above 0.
    fn outside(&mut self, x: Value, y: Value) -> Value {
        let zero = self.real(0.0);
        // 0 has minus infinity; infinity and NaN, added to y, are their own logarithm; all ones are
        // a NaN, for what is below 0.
        let none = self.mask(FloatCC::Equal, x, zero);
        let minus = self.only(none, f64::NEG_INFINITY);
        let y = self.add(y, minus);
        let infinity = self.real(f64::INFINITY);
        let large = self.mask(FloatCC::UnorderedOrGreaterThanOrEqual, x, infinity);
        let itself = self.bits(x);
        let itself = self.f.b.ins().band(itself, large);
        let itself = self.float(itself);
        let y = self.add(y, itself);
        let negative = self.mask(FloatCC::LessThan, x, zero);
        let y = self.bits(y);
        let y = self.f.b.ins().bor(y, negative);
        self.float(y)
    }

    /// What `1 + x` lost when it was rounded to `sum`. It is at most 1, which is also what an infinite x has.
    fn lost(&mut self, sum: Value, x: Value) -> Value {
        let one = self.real(1.0);
        let kept = self.sub(sum, one);
        let lost = self.sub(x, kept);
        self.f.lesser(lost, one, self.lanes)
    }

    /// `2^-e`, of e in the place of the exponent, biased; 0 for the greatest e.
    fn inverse(&mut self, high: Value) -> Value {
        // Twice as much first: its exponent is never below 0.
        let bits = self.pattern_of(1.0) + self.pattern_of(2.0);
        let bits = self.integer(bits);
        let bits = self.f.b.ins().isub(bits, high);
        let twice = self.float(bits);
        let half = self.real(0.5);
        self.mul(twice, half)
    }
}
