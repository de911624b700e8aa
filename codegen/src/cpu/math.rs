//! What formulas of functions are made of: constants, polynomials and bits of f32 or f64, over one or
//! several lanes, without branches and calls (`trigonometry` has one of each, for sines of far angles).
//!
//! The formulas stand in `exponential`, `logarithm`, `sigmoid` and `trigonometry`, once for both element
//! types where one form is good for both: what differs is a table of constants. Each says how far from the
//! true value it was found at most, in units in the last place (ulp) of the result, with fused multiply-adds
//! and without: of f32 over a 31st of all arguments, of f64 over ten million random ones and the neighbours
//! of special ones. `codegen/tests/functions.rs` holds them to it. NaN, infinities and subnormal arguments are
//! included, and zeros keep their sign where the function does. Results do not depend on the lanes. Callers
//! that have the processor take subnormal numbers for zeros, as the runtime does, get the value at zero for
//! them, and zero for results below the normal range; for others nothing changes.
//!
//! Selections are bit masks and single `min`/`max` instructions where they can be: a blend takes three.
//! 64-bit lanes have no conversions from integers and no arithmetic shifts on every host, so that integers
//! travel in the low bits of floats. Where a source is not named, the coefficients are those of the least
//! greatest error relative to the function (Remez), rounded.

use cranelift_codegen::ir::condcodes::{CondCode, FloatCC};
use cranelift_codegen::ir::immediates::{Ieee32, Ieee64};
use cranelift_codegen::ir::{InstBuilder, Type, Value, types};

use super::frame::Frame;
use super::lanes::Lanes;

/// What formulas need to know of an element type.
pub(super) struct Element {
    /// Bits of an element.
    pub bits: u32,
    /// Bits of its fraction: the exponent stands above them.
    pub fraction: u32,
    /// Added to an exponent in an element's bits.
    pub bias: u32,
    /// ln 2 in two parts, the first so short that its product with an exponent is exact.
    pub ln_2: [f64; 2],
    /// Adding and subtracting it rounds to an integer, which its lowest bits then hold.
    pub round: f64,
    /// The least number that is not subnormal.
    pub least: f64,
    /// The greatest number.
    pub greatest: f64,
}

const SINGLE: Element = Element {
    bits: 32,
    fraction: 23,
    bias: 127,
    ln_2: [0.693_359_375, -2.121_944_4e-4],
    round: 12_582_912.0,
    least: f32::MIN_POSITIVE as f64,
    greatest: f32::MAX as f64,
};

const DOUBLE: Element = Element {
    bits: 64,
    fraction: 52,
    bias: 1023,
    ln_2: [0.693_147_180_369_123_8, 1.908_214_929_270_587_7e-10],
    round: 6_755_399_441_055_744.0,
    least: f64::MIN_POSITIVE,
    greatest: f64::MAX,
};

impl Element {
    /// From here on every number is an integer.
    pub(super) fn whole(&self) -> f64 {
        2f64.powi(self.fraction as i32)
    }
}

impl Frame<'_> {
    /// `a * b + c`, fused where the host can.
    pub(super) fn multiply_add(&mut self, a: Value, b: Value, c: Value) -> Value {
        if self.caps.fma {
            self.b.ins().fma(a, b, c)
        } else {
            let product = self.b.ins().fmul(a, b);
            self.b.ins().fadd(product, c)
        }
    }
}

/// A formula under construction, over elements of one type.
pub(super) struct Formula<'f, 'a> {
    /// The function that it is written into.
    pub f: &'f mut Frame<'a>,
    /// The shape of its registers.
    pub lanes: Lanes,
    /// What is known of its elements.
    pub element: &'static Element,
    floats: Type,
    integers: Type,
}

impl<'f, 'a> Formula<'f, 'a> {
    /// A formula of `x`, an f32 or f64 in each lane.
    pub(super) fn new(f: &'f mut Frame<'a>, x: Value, lanes: Lanes) -> Formula<'f, 'a> {
        let floats = f.b.func.dfg.value_type(x);
        let element = match floats.lane_type() == types::F32 {
            true => &SINGLE,
            false => &DOUBLE,
        };
        let integers = floats.as_int();
        Formula {
            f,
            lanes,
            element,
            floats,
            integers,
        }
    }

    /// What a table has for the element type.
    pub(super) fn of<T>(&self, single: T, double: T) -> T {
        match self.element.bits {
            32 => single,
            _ => double,
        }
    }

    /// A number in every lane.
    pub(super) fn real(&mut self, value: f64) -> Value {
        let bits = self.pattern_of(value);
        match (self.lanes.count, self.element.bits) {
            (1, 32) => {
                let value = Ieee32::with_float(value as f32);
                self.f.b.ins().f32const(value)
            }
            (1, _) => self.f.b.ins().f64const(Ieee64::with_float(value)),
            _ => self.f.every_lane(self.floats, bits as i64),
        }
    }

    /// An integer of an element's size in every lane.
    pub(super) fn integer(&mut self, value: u64) -> Value {
        match self.lanes.count {
            1 => self.f.b.ins().iconst(self.integers, value as i64),
            _ => self.f.every_lane(self.integers, value as i64),
        }
    }

    /// The bits of a number of the element type.
    pub(super) fn pattern_of(&self, value: f64) -> u64 {
        match self.element.bits {
            32 => u64::from((value as f32).to_bits()),
            _ => value.to_bits(),
        }
    }

    /// The bits of a number in every lane.
    pub(super) fn bits_of(&mut self, value: f64) -> Value {
        let bits = self.pattern_of(value);
        self.integer(bits)
    }

    /// A float as its bits.
    pub(super) fn bits(&mut self, x: Value) -> Value {
        self.f.cast_bits(x, self.integers)
    }

    /// Bits as a float.
    pub(super) fn float(&mut self, bits: Value) -> Value {
        self.f.cast_bits(bits, self.floats)
    }

    /// `a + b`
    pub(super) fn add(&mut self, a: Value, b: Value) -> Value {
        self.f.b.ins().fadd(a, b)
    }

    /// `a - b`
    pub(super) fn sub(&mut self, a: Value, b: Value) -> Value {
        self.f.b.ins().fsub(a, b)
    }

    /// `a * b`
    pub(super) fn mul(&mut self, a: Value, b: Value) -> Value {
        self.f.b.ins().fmul(a, b)
    }

    /// `a / b`
    pub(super) fn div(&mut self, a: Value, b: Value) -> Value {
        self.f.b.ins().fdiv(a, b)
    }

    /// `a * b + c`, fused where the host can.
    pub(super) fn multiply_add(&mut self, a: Value, b: Value, c: Value) -> Value {
        self.f.multiply_add(a, b, c)
    }

    /// A polynomial by Horner's rule, the highest coefficient first.
    pub(super) fn horner(&mut self, x: Value, coefficients: &[f64]) -> Value {
        let terms = coefficients.iter().rev().map(|c| self.real(*c)).collect();
        self.steps(terms, x)
    }

    /// A polynomial of an x whose square is known, the highest coefficient first.
    ///
    /// The steps of Horner's rule wait for each other, and of long formulas a loop takes their depth more than
    /// their number: neighbours are taken together, and the rule is for pairs in steps of `x^2`, or of
    /// many coefficients for pairs of pairs in steps of `x^4`. Where signs alternate neighbours cancel, as
    /// they do in the rule; sums of even and of odd powers would be large.
    pub(super) fn polynomial(&mut self, x: Value, square: Value, coefficients: &[f64]) -> Value {
        let terms = coefficients.iter().rev().map(|c| self.real(*c)).collect();
        let pairs = self.pairs(terms, x);
        if coefficients.len() <= 8 {
            return self.steps(pairs, square);
        }
        let fours = self.pairs(pairs, square);
        let fourth = self.mul(square, square);
        self.steps(fours, fourth)
    }

    /// Two neighbours each as one, from the constant on.
    fn pairs(&mut self, terms: Vec<Value>, step: Value) -> Vec<Value> {
        let (pairs, rest) = terms.as_chunks::<2>();
        let pairs = pairs
            .iter()
            .map(|[low, high]| self.multiply_add(*high, step, *low));
        let mut pairs: Vec<Value> = pairs.collect();
        pairs.extend(rest);
        pairs
    }

    /// The sum of terms in powers of a step, from the constant on.
    fn steps(&mut self, terms: Vec<Value>, step: Value) -> Value {
        let mut terms = terms.into_iter().rev();
        let first = terms.next().expect("polynomials have coefficients");
        terms.fold(first, |sum, term| self.multiply_add(sum, step, term))
    }

    /// The lesser one of `x` and a number; NaN stays.
    pub(super) fn at_most(&mut self, x: Value, most: f64) -> Value {
        let most = self.real(most);
        self.f.lesser(most, x, self.lanes)
    }

    /// The greater one of `x` and a number; NaN stays.
    pub(super) fn at_least(&mut self, x: Value, least: f64) -> Value {
        let least = self.real(least);
        self.f.greater(least, x, self.lanes)
    }

    /// An order of two floats as all ones or zeros in the bits of each lane.
    pub(super) fn mask(&mut self, order: FloatCC, a: Value, b: Value) -> Value {
        let is_vector = self.lanes.count > 1;
        if is_vector && holds_of_nan(order) && !self.f.caps.orders_of_nan {
            let other = self.f.b.ins().fcmp(order.complement(), a, b);
            return self.f.b.ins().bnot(other);
        }
        let holds = self.f.b.ins().fcmp(order, a, b);
        match is_vector {
            false => self.f.b.ins().bmask(self.integers, holds),
            true => holds,
        }
    }

    /// A number where a mask is, 0 elsewhere.
    pub(super) fn only(&mut self, mask: Value, value: f64) -> Value {
        let bits = self.bits_of(value);
        let kept = self.f.b.ins().band(mask, bits);
        self.float(kept)
    }

    /// Bits moved up.
    pub(super) fn up(&mut self, bits: Value, by: u32) -> Value {
        let by = self.f.b.ins().iconst(types::I32, i64::from(by));
        self.f.b.ins().ishl(bits, by)
    }

    /// Bits moved down, zeros behind them.
    pub(super) fn down(&mut self, bits: Value, by: u32) -> Value {
        let by = self.f.b.ins().iconst(types::I32, i64::from(by));
        self.f.b.ins().ushr(bits, by)
    }

    /// The sign of `x`, as a bit.
    pub(super) fn sign(&mut self, x: Value) -> Value {
        let bits = self.bits(x);
        let sign = self.integer(1 << (self.element.bits - 1));
        self.f.b.ins().band(bits, sign)
    }

    /// What is not negative, or has the sign of `x` where it is not 0, with the sign of `x`.
    pub(super) fn signed(&mut self, y: Value, x: Value) -> Value {
        let sign = self.sign(x);
        let bits = self.bits(y);
        let bits = self.f.b.ins().bor(bits, sign);
        self.float(bits)
    }

    /// `|x|`
    pub(super) fn magnitude(&mut self, x: Value) -> Value {
        self.f.b.ins().fabs(x)
    }

    /// `-|x|`
    pub(super) fn below_zero(&mut self, x: Value) -> Value {
        let bits = self.bits(x);
        let sign = self.integer(1 << (self.element.bits - 1));
        let bits = self.f.b.ins().bor(bits, sign);
        self.float(bits)
    }

    /// The nearest integer, the even one of two, for hosts without an instruction that rounds: the sum with a
    /// number whose neighbours are 1 apart is rounded so.
    pub(super) fn round(&mut self, x: Value) -> Value {
        let whole = self.element.whole();
        let whole = self.real(whole);
        let magnitude = self.magnitude(x);
        let shifted = self.add(magnitude, whole);
        let rounded = self.sub(shifted, whole);
        let rounded = self.signed(rounded, x);
        // What is greater, infinite or a NaN stays.
        let within = self.mask(FloatCC::LessThan, magnitude, whole);
        let (rounded, itself) = (self.bits(rounded), self.bits(x));
        let rounded = self.f.b.ins().band(rounded, within);
        let itself = self.f.b.ins().band_not(itself, within);
        let bits = self.f.b.ins().bor(rounded, itself);
        self.float(bits)
    }

    /// The greatest integer that is not above, for the same hosts.
    pub(super) fn floor(&mut self, x: Value) -> Value {
        let rounded = self.round(x);
        let above = self.mask(FloatCC::GreaterThan, rounded, x);
        let one = self.only(above, 1.0);
        self.sub(rounded, one)
    }
}

/// Whether an order of two numbers holds where one of them is NaN, and is not one that is told apart by that alone.
fn holds_of_nan(order: FloatCC) -> bool {
    match order {
        FloatCC::UnorderedOrEqual
        | FloatCC::UnorderedOrLessThan
        | FloatCC::UnorderedOrLessThanOrEqual
        | FloatCC::UnorderedOrGreaterThan
        | FloatCC::UnorderedOrGreaterThanOrEqual => true,
        // The first two do, and every processor has them.
        FloatCC::NotEqual
        | FloatCC::Unordered
        | FloatCC::Ordered
        | FloatCC::Equal
        | FloatCC::OrderedNotEqual
        | FloatCC::LessThan
        | FloatCC::LessThanOrEqual
        | FloatCC::GreaterThan
        | FloatCC::GreaterThanOrEqual => false,
    }
}
