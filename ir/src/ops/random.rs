//! Random elements, and what the run gives: the key that they follow from, and whether it trains.
//!
//! An element is a function of a key, of the number of an iteration and of its own index: two words that
//! [`crate::threefry`] makes, of which distributions are made. So it is the same in a pullback, in what a
//! checkpoint computes again, on every device, and however the work is cut.
//!
//! Functions as they are stored take the key from [`RUN_KEY`], which names the place where it is used, and
//! the iteration from [`ITERATION`]. The linker puts these in place: programs have the key as a parameter.

use super::entry::{UNTESTED, applied, floats, tested};
use super::rules::{float, operand, product, same_shape};
use crate::attribute::Attributes;
use crate::attributes::{Bernoulli, Bits, Draw, Dropout, Interval, Normal, RunKey};
use crate::builder::Builder;
use crate::compose::binary;
use crate::dim::Dim;
use crate::dtype::DType;
use crate::function::Value;
use crate::op::{Arity, Kind, OpDef, OpError, Pullback, RunValue, TestData};
use crate::shape::{Axis, Shape, Type};
use crate::symbol::Number;
use crate::threefry::{self, Words};
use std::f64::consts::TAU;

/// 2^32, one more than the greatest word.
const WORDS: f64 = 4_294_967_296.0;

type Inferred = Result<Type, OpError>;

/// What the linker replaces: nothing else computes it.
const fn given(name: &'static str, doc: &'static str, value: RunValue) -> OpDef {
    OpDef {
        name,
        doc,
        arity: Arity::Exactly(0),
        attributes: &[],
        infer: |_, _| Ok(Type::new(DType::U32, Shape::scalar())),
        pullback: Pullback::Zero,
        kind: Kind::Run(value),
        test: UNTESTED,
    }
}

/// A word of the run's key.
pub(super) const RUN_KEY: OpDef = OpDef {
    attributes: RunKey::SPECS,
    infer: |_, a| {
        RunKey::from_attributes(a)?;
        Ok(Type::new(DType::U32, Shape::scalar()))
    },
    ..given(
        "run_key",
        "A word of the key that the random elements of one place in a function follow from, in this run.",
        RunValue::Key,
    )
};

/// The number of the iteration.
pub(super) const ITERATION: OpDef = given(
    "iteration",
    "The number of the iteration of all loops around this call of the function, from 0.",
    RunValue::Iteration,
);

/// Whether the run trains.
pub(super) const TRAINING: OpDef = OpDef {
    infer: |_, _| Ok(Type::new(DType::Bool, Shape::scalar())),
    ..given(
        "training",
        "Whether this is a step of a trainer.",
        RunValue::Training,
    )
};

/// Refuses what is no key and iteration: the last three operands, each one u32.
fn keyed(types: &[Type], first: usize) -> Result<(), OpError> {
    for i in first..first + 3 {
        let word = operand(types, i)?;
        if word.dtype != DType::U32 {
            return Err(OpError::DType {
                operand: i,
                expected: "u32",
                found: word.dtype,
            });
        }
        same_shape(&word.shape, &Shape::scalar())?;
    }
    Ok(())
}

/// Key and iteration as tests give them.
fn key() -> [Type; 3] {
    [(); 3].map(|()| Type::from_extents(DType::U32, &[]))
}

const NOTHING: &[(f64, f64)] = &[];

const fn drawn(instances: fn(&OpDef) -> Vec<crate::op::Instance>) -> TestData {
    tested(NOTHING, &[]).on(instances)
}

/// Tensors of words.
struct Tensors<'b>(&'b mut Builder);

impl Words for Tensors<'_> {
    type Word = Value;
    type Error = OpError;

    fn add(&mut self, x: Value, y: Value) -> Result<Value, OpError> {
        binary(self.0, super::ADD, x, y)
    }

    fn add_number(&mut self, x: Value, number: u32) -> Result<Value, OpError> {
        self.0.with(super::ADD, x, f64::from(number))
    }

    fn xor(&mut self, x: Value, y: Value) -> Result<Value, OpError> {
        binary(self.0, super::BITXOR, x, y)
    }

    fn xor_number(&mut self, x: Value, number: u32) -> Result<Value, OpError> {
        self.0.with(super::BITXOR, x, f64::from(number))
    }

    fn rotate(&mut self, x: Value, by: u32) -> Result<Value, OpError> {
        self.0.with(super::ROTL, x, f64::from(by))
    }
}

/// Both words of each element: its row-major index and the iteration, under the key.
fn words(b: &mut Builder, key: &[Value], shape: &Shape) -> Result<[Value; 2], OpError> {
    let line = Shape::new(vec![product(&shape.dims)?]);
    let index = b.iota(DType::U32, line, Axis::At(0))?;
    let index = b.reshape(index, shape)?;
    let iteration = b.broadcast(key[2], shape, &shape.axes())?;
    random_words(b, [key[0], key[1]], [index, iteration])
}

/// The generator over tensors: the two words of each key and counter, all u32 of one shape.
///
/// # Errors
/// Of the ops: values of other types.
pub fn random_words(
    b: &mut Builder,
    key: [Value; 2],
    counter: [Value; 2],
) -> Result<[Value; 2], OpError> {
    threefry::words(&mut Tensors(b), key, counter)
}

/// The words themselves.
pub(super) const RANDOM_BITS: OpDef = OpDef {
    name: "random_bits",
    doc: "Words of which every bit is 0 or 1 as often: of a key of two words and the number of an iteration, the first or the second (`word` 0 or 1) of the two that Threefry-2x32 with 20 rounds has for each element's row-major index.",
    arity: Arity::Exactly(3),
    attributes: Bits::SPECS,
    infer: |t, a| {
        let Bits { shape, word } = Bits::from_attributes(a)?;
        keyed(t, 0)?;
        match word.as_constant() {
            Some(0 | 1) => Ok(Type::new(DType::U32, shape.clone())),
            Some(_) | None => Err(OpError::Attribute("word")),
        }
    },
    pullback: Pullback::Zero,
    kind: Kind::Function(|b, key, a| {
        let Bits { shape, word } = Bits::from_attributes(a)?;
        let [first, second] = words(b, key, shape)?;
        Ok(match word.as_constant() {
            Some(0) => first,
            Some(_) | None => second,
        })
    }),
    test: drawn(|_| {
        let of = |shape: &Shape, word: i64| {
            let word = &Dim::constant(word);
            applied(&key(), Bits { shape, word })
        };
        vec![
            of(&Shape::from_extents(&[3, 5]), 0),
            of(&Shape::scalar(), 1),
            of(&Shape::from_extents(&[0, 3]), 0),
        ]
    }),
};

/// Refuses an interval with nothing in it, as far as its ends are known.
fn interval(low: &Number, high: &Number) -> Result<(), OpError> {
    match (low.known(), high.known()) {
        (Some(low), Some(high)) if !(low < high && (high - low).is_finite()) => {
            Err(OpError::Interval { low, high })
        }
        (Some(_), Some(_)) | (None, _) | (_, None) => Ok(()),
    }
}

fn ends(a: &Interval<'_>) -> Result<(f64, f64), OpError> {
    let known = |n: &Number| n.known().ok_or(OpError::Attribute("low"));
    Ok((known(a.low)?, known(a.high)?))
}

/// A float type, of a result that no operand tells.
fn floating(dtype: DType) -> Result<DType, OpError> {
    match dtype.is_float() {
        true => Ok(dtype),
        false => Err(OpError::DType {
            operand: 0,
            expected: "a float",
            found: dtype,
        }),
    }
}

/// The greatest number of the type below another.
fn below(number: f64, dtype: DType) -> f64 {
    match dtype {
        DType::F64 => number.next_down(),
        DType::Float
        | DType::F32
        | DType::F16
        | DType::Bf16
        | DType::I32
        | DType::U32
        | DType::Bool => f64::from((number as f32).next_down()),
    }
}

/// As floats of a type: the upper `bits` bits of words, from 0 to below `2^bits`.
fn upper(b: &mut Builder, word: Value, bits: u32, dtype: DType) -> Result<Value, OpError> {
    let moved = b.with(super::SHR, word, f64::from(32 - bits))?;
    b.cast(moved, dtype)
}

/// Evenly between 0 and 1, of which 1 is none: as many bits as the type has.
fn unit(b: &mut Builder, [first, second]: [Value; 2], dtype: DType) -> Result<Value, OpError> {
    match dtype {
        DType::F64 => {
            // 27 bits and 26 bits.
            let (high, low) = (upper(b, first, 27, dtype)?, upper(b, second, 26, dtype)?);
            let high = b.scale(high, f64::from(1 << 26))?;
            let whole = b.add(high, low)?;
            b.scale(whole, 2f64.powi(-53))
        }
        DType::Float
        | DType::F32
        | DType::F16
        | DType::Bf16
        | DType::I32
        | DType::U32
        | DType::Bool => {
            let whole = upper(b, first, 24, dtype)?;
            b.scale(whole, 2f64.powi(-24))
        }
    }
}

/// Evenly in an interval.
pub(super) const UNIFORM: OpDef = OpDef {
    name: "uniform",
    doc: "Numbers from `low` to below `high`, all as likely: multiples of 2^-24 (in f64 of 2^-53) of the way.",
    arity: Arity::Exactly(3),
    attributes: Interval::SPECS,
    infer: |t, a| -> Inferred {
        let a = Interval::from_attributes(a)?;
        keyed(t, 0)?;
        interval(a.low, a.high)?;
        Ok(Type::new(floating(a.dtype)?, a.shape.clone()))
    },
    pullback: Pullback::Zero,
    kind: Kind::Function(|b, key, a| {
        let a = Interval::from_attributes(a)?;
        let (low, high) = ends(&a)?;
        let both = words(b, key, a.shape)?;
        let part = unit(b, both, a.dtype)?;
        if (low, high) == (0.0, 1.0) {
            return Ok(part);
        }
        let far = b.scale(part, high - low)?;
        let number = b.with(super::ADD, far, low)?;
        // The sum may round up to the end.
        b.with(super::MINIMUM, number, below(high, a.dtype))
    }),
    test: drawn(|_| {
        let of = |low: f64, high: f64, extents: &[usize]| {
            let (low, high) = (&Number::Known(low), &Number::Known(high));
            let shape = &Shape::from_extents(extents);
            let dtype = DType::F64;
            let form = Interval {
                low,
                high,
                dtype,
                shape,
            };
            applied(&key(), form)
        };
        vec![
            of(0.0, 1.0, &[3, 5]),
            of(-2.0, 0.5, &[]),
            of(0.0, 3.0, &[0, 3]),
        ]
    }),
};

/// Of the normal distribution.
pub(super) const RANDN: OpDef = OpDef {
    name: "randn",
    doc: "Numbers of the standard normal distribution, of mean 0 and variance 1: by the transform of Box and Muller.",
    arity: Arity::Exactly(3),
    attributes: Normal::SPECS,
    infer: |t, a| -> Inferred {
        let Normal { dtype, shape } = Normal::from_attributes(a)?;
        keyed(t, 0)?;
        Ok(Type::new(floating(dtype)?, shape.clone()))
    },
    pullback: Pullback::Zero,
    kind: Kind::Function(|b, key, a| {
        let Normal { dtype, shape } = Normal::from_attributes(a)?;
        let [first, second] = words(b, key, shape)?;
        let bits: u32 = if dtype == DType::F64 { 32 } else { 24 };
        let step = 2f64.powi(-(bits as i32));
        // Above 0, and 1 too: the logarithm is finite.
        let part = upper(b, first, bits, dtype)?;
        let part = b.with(super::ADD, part, 1.0)?;
        let part = b.scale(part, step)?;
        let log = b.log(part)?;
        let square = b.scale(log, -2.0)?;
        let radius = b.sqrt(square)?;
        let turn = upper(b, second, bits, dtype)?;
        let angle = b.scale(turn, TAU * step)?;
        let cosine = b.op(super::COS, &[angle], Attributes::none())?;
        b.mul(radius, cosine)
    }),
    test: drawn(|_| {
        let of = |extents: &[usize]| {
            let shape = &Shape::from_extents(extents);
            let dtype = DType::F64;
            applied(&key(), Normal { dtype, shape })
        };
        vec![of(&[3, 5]), of(&[]), of(&[0, 3])]
    }),
};

/// Refuses what is no probability, as far as it is known.
fn probability(p: &Number) -> Result<(), OpError> {
    match p.known() {
        Some(value) if !(0.0..=1.0).contains(&value) => Err(OpError::Probability { value }),
        Some(_) | None => Ok(()),
    }
}

/// How many of all words stand for a probability.
fn share(p: &Number) -> Result<f64, OpError> {
    let p = p.known().ok_or(OpError::Attribute("p"))?;
    Ok((p * WORDS).round())
}

/// True with a probability.
pub(super) const BERNOULLI: OpDef = OpDef {
    name: "bernoulli",
    doc: "True with the probability `p`, to 2^-32 of it; else false.",
    arity: Arity::Exactly(3),
    attributes: Bernoulli::SPECS,
    infer: |t, a| -> Inferred {
        let Bernoulli { p, shape } = Bernoulli::from_attributes(a)?;
        keyed(t, 0)?;
        probability(p)?;
        Ok(Type::new(DType::Bool, shape.clone()))
    },
    pullback: Pullback::Zero,
    kind: Kind::Function(|b, key, a| {
        let Bernoulli { p, shape } = Bernoulli::from_attributes(a)?;
        let share = share(p)?;
        if share == WORDS {
            return b.constant(1.0, DType::Bool, shape.clone());
        }
        let [word, _] = words(b, key, shape)?;
        b.with(super::LT, word, share)
    }),
    test: drawn(|_| {
        let of = |p: f64, extents: &[usize]| {
            let (p, shape) = (&Number::Known(p), &Shape::from_extents(extents));
            applied(&key(), Bernoulli { p, shape })
        };
        vec![of(0.3, &[3, 5]), of(1.0, &[2]), of(0.0, &[2])]
    }),
};

/// The upper 32 bits of a product of words and a number, whose lower ones are those of `MUL`. Of halves,
/// since there are no wider integers: no sum of these leaves 32 bits.
fn upper_product(b: &mut Builder, word: Value, by: u32) -> Result<Value, OpError> {
    let (by_high, by_low) = (f64::from(by >> 16), f64::from(by & 0xffff));
    let (high, low) = (
        b.with(super::SHR, word, 16.0)?,
        b.with(super::BITAND, word, 65535.0)?,
    );
    let lowest = b.scale(low, by_low)?;
    let carried = b.with(super::SHR, lowest, 16.0)?;
    let one = b.scale(high, by_low)?;
    let one = b.add(one, carried)?;
    let rest = b.with(super::BITAND, one, 65535.0)?;
    let other = b.scale(low, by_high)?;
    let other = b.add(other, rest)?;
    let (one, other) = (
        b.with(super::SHR, one, 16.0)?,
        b.with(super::SHR, other, 16.0)?,
    );
    let highest = b.scale(high, by_high)?;
    let sum = b.add(highest, one)?;
    b.add(sum, other)
}

/// Integers of an interval.
pub(super) const RANDINT: OpDef = OpDef {
    name: "randint",
    doc: "Integers from `low` to below `high`, all as likely: the upper bits of the product of their number and 64 random bits, so that no probability is off by more than 2^-64.",
    arity: Arity::Exactly(3),
    attributes: Draw::SPECS,
    infer: |t, a| -> Inferred {
        let Draw { low, high, shape } = Draw::from_attributes(a)?;
        keyed(t, 0)?;
        interval(low, high)?;
        // The end is none of them, so it may be one more than an i32 is.
        let last = high.known().map(|high| high - 1.0);
        for value in low.known().into_iter().chain(last) {
            if !DType::I32.holds(value) {
                let dtype = DType::I32;
                return Err(OpError::Number { value, dtype });
            }
        }
        Ok(Type::new(DType::I32, shape.clone()))
    },
    pullback: Pullback::Zero,
    kind: Kind::Function(|b, key, a| {
        let Draw { low, high, shape } = Draw::from_attributes(a)?;
        let known = |n: &Number| n.known().ok_or(OpError::Attribute("low"));
        let (low, high) = (known(low)?, known(high)?);
        let count = (high - low) as u32;
        let [first, second] = words(b, key, shape)?;
        let above = upper_product(b, first, count)?;
        let beside = b.scale(first, f64::from(count))?;
        let behind = upper_product(b, second, count)?;
        let sum = b.add(beside, behind)?;
        let wrapped = b.lt(sum, behind)?;
        let carried = b.cast(wrapped, DType::U32)?;
        let place = b.add(above, carried)?;
        let place = b.cast(place, DType::I32)?;
        b.with(super::ADD, place, low)
    }),
    test: drawn(|_| {
        let of = |low: f64, high: f64, extents: &[usize]| {
            let (low, high) = (&Number::Known(low), &Number::Known(high));
            let shape = &Shape::from_extents(extents);
            applied(&key(), Draw { low, high, shape })
        };
        let (least, end) = (f64::from(i32::MIN), -f64::from(i32::MIN));
        vec![
            of(-3.0, 7.0, &[3, 5]),
            of(0.0, 1e9, &[4]),
            of(least, end - 1.0, &[4]),
        ]
    }),
};

/// Elements left out.
pub(super) const DROPOUT: OpDef = OpDef {
    name: "dropout",
    doc: "0 with the probability `p`, to 2^-32 of it, else `x / (1 - p)`; all 0 for a `p` of 1.",
    arity: Arity::Exactly(4),
    attributes: Dropout::SPECS,
    infer: |t, a| -> Inferred {
        let Dropout { p } = Dropout::from_attributes(a)?;
        let x = float(t, 0)?;
        keyed(t, 1)?;
        probability(p)?;
        Ok(x.clone())
    },
    // It is linear in x: the same elements are left out.
    pullback: Pullback::Rule(|b, p| {
        let x = p.wants(0, || {
            let operands = [&[p.cotangent], &p.operands[1..]].concat();
            b.op(super::DROPOUT, &operands, p.attributes.clone())
        })?;
        Ok(vec![x, None, None, None])
    }),
    kind: Kind::Function(|b, operands, a| {
        let Dropout { p } = Dropout::from_attributes(a)?;
        let share = share(p)?;
        let x = operands[0];
        let zero = b.like(0.0, x)?;
        if share == WORDS {
            return Ok(zero);
        }
        let shape = b.type_of(x).shape.clone();
        let [word, _] = words(b, &operands[1..], &shape)?;
        let gone = b.with(super::LT, word, share)?;
        let grown = b.scale(x, 1.0 / (1.0 - p.known().unwrap_or(0.0)))?;
        b.select(gone, zero, grown)
    }),
    test: tested(&[(-2.0, 2.0)], &[]).on(|_| {
        let of = |p: f64, extents: &[usize]| {
            let p = &Number::Known(p);
            let operands = [&[floats(extents)], &key()[..]].concat();
            applied(&operands, Dropout { p })
        };
        vec![
            of(0.4, &[3, 5]),
            of(0.0, &[2]),
            of(1.0, &[2]),
            of(0.5, &[0, 3]),
        ]
    }),
};
