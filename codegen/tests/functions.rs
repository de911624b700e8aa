//! How far the functions of a float are from their references, in units in the last place, over the whole
//! range of f32 and f64, as they are compiled for the CPU.
#![cfg(feature = "cpu")]

use crate::support;

use sinew_codegen::cpu::{Instructions, Options};
use sinew_fuzz::Random;
use sinew_ir::scalar::UnaryFloat;
use sinew_ir::{DType, Scalar};
use std::collections::HashMap;
use support::compiled::run_compiled_in;
use support::flushed::flushed;
use support::targets::targets;
use support::{applied, bytes, run_compiled, values};

const FLOATS: [DType; 2] = [DType::F32, DType::F64];

/// The greatest error of a function that its formula states for an element type. Square roots and whole numbers
/// have none.
fn stated(function: UnaryFloat, dtype: DType) -> f64 {
    let (single, double) = match function {
        UnaryFloat::Sqrt | UnaryFloat::Round | UnaryFloat::Floor => return 0.0,
        UnaryFloat::Exp => (1.1, 1.1),
        UnaryFloat::Log => (0.9, 0.9),
        UnaryFloat::Expm1 => (1.8, 2.2),
        UnaryFloat::Log1p => (1.4, 1.3),
        UnaryFloat::Tanh => (7.1, 2.2),
        UnaryFloat::Erf => (6.7, 2.1),
        UnaryFloat::Sin | UnaryFloat::Cos => (2.3, 2.1),
        UnaryFloat::Atan => (2.0, 1.9),
    };
    match dtype == DType::F32 {
        true => single,
        // The references are computed in f64 themselves, within 1.
        false => double + 1.0,
    }
}

/// Whether a zero has the function's own zero of its sign.
fn keeps_zeros(function: UnaryFloat) -> bool {
    match function {
        UnaryFloat::Exp | UnaryFloat::Log | UnaryFloat::Cos => false,
        UnaryFloat::Sqrt
        | UnaryFloat::Expm1
        | UnaryFloat::Log1p
        | UnaryFloat::Tanh
        | UnaryFloat::Erf
        | UnaryFloat::Sin
        | UnaryFloat::Atan
        | UnaryFloat::Round
        | UnaryFloat::Floor => true,
    }
}

/// From where on a function that levels off is exactly 1.
fn level(function: UnaryFloat) -> Option<f64> {
    match function {
        UnaryFloat::Tanh => Some(20.0),
        UnaryFloat::Erf => Some(6.0),
        UnaryFloat::Sqrt
        | UnaryFloat::Exp
        | UnaryFloat::Log
        | UnaryFloat::Expm1
        | UnaryFloat::Log1p
        | UnaryFloat::Sin
        | UnaryFloat::Cos
        | UnaryFloat::Atan
        | UnaryFloat::Round
        | UnaryFloat::Floor => None,
    }
}

/// The least normal number of a type.
fn least(dtype: DType) -> f64 {
    match dtype == DType::F32 {
        true => f64::from(f32::MIN_POSITIVE),
        false => f64::MIN_POSITIVE,
    }
}

/// The distance to the next number of the type beyond `x`.
fn place(x: f64, dtype: DType) -> f64 {
    let size = x.abs().max(least(dtype));
    let exponent = (size.to_bits() >> 52) as i32 - 1023;
    let digits = if dtype == DType::F32 { 23 } else { 52 };
    match exponent - digits {
        e @ -1022.. => 2f64.powi(e),
        e => f64::from_bits(1 << (e + 1074)),
    }
}

/// `x` as the type holds it.
fn narrow(x: f64, dtype: DType) -> f64 {
    match dtype == DType::F32 {
        true => f64::from(x as f32),
        false => x,
    }
}

/// The number of the type that is `steps` further from 0.
fn neighbour(x: f64, steps: i64, dtype: DType) -> f64 {
    match dtype == DType::F32 {
        true => f64::from(f32::from_bits(
            (x as f32).to_bits().wrapping_add(steps as u32),
        )),
        false => f64::from_bits(x.to_bits().wrapping_add(steps as u64)),
    }
}

/// Where formulas change, or results are at an end of the range.
const PLACES: [f64; 30] = [
    0.0,
    std::f64::consts::LN_2 / 2.0,
    std::f64::consts::FRAC_1_SQRT_2,
    std::f64::consts::SQRT_2,
    std::f64::consts::SQRT_2 - 1.0,
    1.0 - std::f64::consts::FRAC_1_SQRT_2,
    0.5,
    1.0,
    2.0,
    3.93,
    4.5,
    5.93,
    9.5,
    18.0,
    22.0,
    37.4,
    40.0,
    87.336_548,
    88.376_26,
    88.722_839,
    89.0,
    708.396_418_532_264_1,
    709.436_138_303,
    709.782_712_893_384,
    710.0,
    8_388_608.0,
    f32::MIN_POSITIVE as f64,
    f32::MAX as f64,
    f64::MIN_POSITIVE,
    f64::INFINITY,
];

/// Numbers of the type all over its range, around the places above and those of the function, and many of middling
/// size.
fn points(function: UnaryFloat, dtype: DType) -> Vec<f64> {
    let mut random = Random::new(11);
    let mut points = vec![f64::NAN];
    for &place in PLACES.iter().chain(Scalar::Unary(function).def().edges) {
        for steps in -20..=20 {
            let x = neighbour(narrow(place, dtype), steps, dtype);
            points.extend([x, -x]);
        }
    }
    for _ in 0..8000 {
        let bits = random.bits();
        points.push(match dtype == DType::F32 {
            true => f64::from(f32::from_bits((bits >> 32) as u32)),
            false => f64::from_bits(bits),
        });
    }
    for turn in 0..32_000 {
        let unit = (random.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
        let size = 2f64.powi(random.below(60) as i32 - 50);
        let x = match turn % 4 {
            0 => unit * size,
            1 => 1.0 + unit * size.min(1.0),
            2 => unit * 8.0,
            _ => unit * 800.0,
        };
        points.push(narrow(x, dtype));
    }
    // An odd count, so that there is a tail.
    points.truncate((points.len() - 1) | 1);
    points
}

/// What is wrong with a function's value.
fn wrong(function: UnaryFloat, dtype: DType, x: f64, found: f64) -> Option<String> {
    let op = Scalar::Unary(function);
    let exact = op
        .evaluate(DType::F64, DType::F64, &[x])
        .expect("one operand");
    let expected = narrow(exact, dtype);
    let so = |holds: bool| (!holds).then(|| format!("{found:e}, not {exact:e}"));
    if exact.is_nan() || expected.is_infinite() || found.is_infinite() {
        return so(found == expected || (found.is_nan() && exact.is_nan()));
    }
    if x == 0.0 && keeps_zeros(function) {
        return so(found == 0.0 && found.is_sign_negative() == x.is_sign_negative());
    }
    if function == UnaryFloat::Exp && expected < least(dtype) {
        return so(found == 0.0);
    }
    if level(function).is_some_and(|far| x.abs() >= far) {
        return so(found == x.signum());
    }
    if level(function).is_some() && found.abs() > 1.0 {
        return so(false);
    }
    let off = (found - exact).abs() / place(exact, dtype);
    let most = stated(function, dtype);
    (found != expected && (off.is_nan() || off > most))
        .then(|| format!("{found:e}, not {exact:e}: {off:.3} units off, {most} stated"))
}

/// Checks a function at its points, as `run` computes it. One set of instructions computes the same in every
/// number of lanes.
fn check(
    function: UnaryFloat,
    dtype: DType,
    points: &[f64],
    wrong: fn(UnaryFloat, DType, f64, f64) -> Option<String>,
    run: impl Fn(&[f64], &Options) -> Vec<f64>,
) {
    let mut known: HashMap<Instructions, Vec<f64>> = HashMap::new();
    for options in targets() {
        let found = run(points, &options);
        let first = known.entry(options.instructions).or_insert(found.clone());
        for ((&x, &found), &first) in points.iter().zip(&found).zip(&*first) {
            let what = || format!("{function:?} of the {dtype} {x:e}, {options:?}");
            if let Some(wrong) = wrong(function, dtype, x, found) {
                panic!("{}: {wrong}", what());
            }
            let same = found.to_bits() == first.to_bits() || (found.is_nan() && first.is_nan());
            assert!(same, "{}: {found:e}, in other lanes {first:e}", what());
        }
    }
}

#[test]
fn functions_are_as_near_as_their_formulas_state() {
    for dtype in FLOATS {
        for function in UnaryFloat::ALL {
            let points = points(*function, dtype);
            let schedule = applied(Scalar::Unary(*function), &[dtype], dtype, points.len());
            check(*function, dtype, &points, wrong, |points, options| {
                let mut memory = vec![bytes(points, dtype), bytes(points, dtype)];
                run_compiled(&schedule, &mut memory, options);
                values(&memory[1], dtype)
            });
        }
    }
}

/// What is wrong where subnormal numbers are taken for zeros: they have the value at zero, and a result that is
/// subnormal, or the least number that is not, may be zero.
fn wrong_flushed(function: UnaryFloat, dtype: DType, x: f64, found: f64) -> Option<String> {
    let subnormal = |x: f64| x != 0.0 && x.abs() < least(dtype);
    let told = wrong(function, dtype, x, found)?;
    if subnormal(x) {
        let at_zero = wrong(function, dtype, 0f64.copysign(x), found);
        // Signs alone, and moves of bits, are not arithmetic.
        return at_zero.filter(|_| found != x && found != 0.0);
    }
    let op = Scalar::Unary(function);
    let exact = op
        .evaluate(DType::F64, DType::F64, &[x])
        .expect("one operand");
    (found != 0.0 || exact.abs() > 1.001 * least(dtype)).then_some(told)
}

#[test]
fn functions_do_not_depend_on_what_subnormal_numbers_are_taken_for() {
    for dtype in FLOATS {
        for function in UnaryFloat::ALL {
            let mut points = points(*function, dtype);
            // Normal numbers of which a part is not.
            let mut x = least(dtype);
            while x < 1e4 * least(dtype) {
                points.extend([x, -x]);
                x = narrow(x * 1.37, dtype);
            }
            let schedule = applied(Scalar::Unary(*function), &[dtype], dtype, points.len());
            check(
                *function,
                dtype,
                &points,
                wrong_flushed,
                |points, options| {
                    let mut memory = vec![bytes(points, dtype), bytes(points, dtype)];
                    run_compiled_in(&schedule, &mut memory, options, &flushed);
                    values(&memory[1], dtype)
                },
            );
        }
    }
}
