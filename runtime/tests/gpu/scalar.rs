//! Every scalar instruction on every type it knows, with special values.

use sinew_codegen::kernel::Schedule;
use sinew_fuzz::Random;
use sinew_ir::scalar::Meaning;
use sinew_ir::{DType, Scalar};

use crate::programs_support::applied;
use crate::support::{Filled, Tolerance, device};

const FLOATS: &[f32] = &[
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    -0.5,
    1.5,
    -2.5,
    3.0,
    7.0,
    -7.0,
    1e-20,
    -1e-20,
    1e-6,
    0.1,
    0.624,
    0.626,
    0.99,
    1.01,
    -1.01,
    3.9,
    4.1,
    9.5,
    -9.5,
    20.0,
    88.0,
    88.7,
    89.0,
    -87.0,
    -100.0,
    -104.0,
    100.0,
    2.147_483_5e9,
    2.147_483_6e9,
    -2.147_483_6e9,
    4.294_967e9,
    5e9,
    -5e9,
    1e30,
    -1e30,
    f32::MAX,
    f32::MIN,
    f32::MIN_POSITIVE,
    f32::INFINITY,
    f32::NEG_INFINITY,
    f32::NAN,
];

const INTEGERS: &[i32] = &[
    0,
    1,
    -1,
    2,
    -2,
    3,
    7,
    -7,
    100,
    -100,
    65536,
    i32::MAX,
    i32::MIN,
    i32::MIN + 1,
];

/// The special values of a type, and some others.
fn values(scalar: Scalar, dtype: DType) -> Vec<u32> {
    let mut random = Random::new(7);
    match dtype {
        DType::F32 => {
            let mut all: Vec<u32> = FLOATS.iter().map(|x| x.to_bits()).collect();
            let edges = scalar.def().edges.iter();
            all.extend(edges.map(|x| (*x as f32).to_bits()));
            let some = (0..19).map(|_| (random.below(12_001) as f32 * 1e-3 - 6.0).to_bits());
            all.extend(some);
            all
        }
        DType::I32 | DType::U32 => {
            let mut all: Vec<u32> = INTEGERS.iter().map(|x| *x as u32).collect();
            all.extend((0..7).map(|_| (random.bits() >> 32) as u32));
            all
        }
        DType::Bool => vec![0, 1],
        // Nothing is computed in halves; `half` has their conversions.
        DType::F16 | DType::Bf16 | DType::F64 | DType::Float => Vec::new(),
    }
}

const ALL: [DType; 4] = [DType::F32, DType::I32, DType::U32, DType::Bool];

/// What an instruction takes: the types of its operands, and the result's for each.
fn uses(scalar: Scalar) -> Vec<(Vec<DType>, DType)> {
    let mut out = Vec::new();
    for from in ALL {
        for to in ALL {
            let mut operands = vec![from; scalar.arity()];
            if scalar == Scalar::Select {
                operands[0] = DType::Bool;
            }
            if scalar.fits(&operands, to) {
                out.push((operands, to));
            }
        }
    }
    out
}

/// Applies an instruction to every combination of its operands' values.
fn check(scalar: Scalar) {
    let Some(device) = device() else { return };
    for (operands, result) in uses(scalar) {
        let columns: Vec<Vec<u32>> = operands.iter().map(|&d| values(scalar, d)).collect();
        let mut rows = vec![Vec::new()];
        for column in &columns {
            rows = rows
                .into_iter()
                .flat_map(|row: Vec<u32>| {
                    column.iter().map(move |&value| {
                        let mut row = row.clone();
                        row.push(value);
                        row
                    })
                })
                .collect();
        }
        let columns = (0..operands.len()).map(|o| rows.iter().map(|row| row[o]).collect());
        let schedule = applied(scalar, &operands, result, rows.len());
        filled(schedule, columns.collect()).check(device, Tolerance::F32);
    }
}

/// A map with what its operands hold.
fn filled(schedule: Schedule, operands: Vec<Vec<u32>>) -> Filled {
    let mut memory: Vec<Vec<u8>> = schedule.regions.iter().map(|r| vec![0; r.bytes]).collect();
    for (memory, words) in memory.iter_mut().zip(&operands) {
        *memory = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    }
    Filled { schedule, memory }
}

/// Checks the instructions of some of the classes.
fn check_all(chosen: fn(Meaning) -> bool) {
    let mut some = Scalar::TABLE
        .iter()
        .filter(|s| chosen(s.def().meaning))
        .peekable();
    assert!(some.peek().is_some());
    some.for_each(|scalar| check(*scalar));
}

#[test]
fn of_one_number() {
    check_all(|m| matches!(m, Meaning::One { .. }));
}

#[test]
fn of_two_numbers() {
    check_all(|m| matches!(m, Meaning::Two { .. }));
}

#[test]
fn comparisons() {
    check_all(|m| matches!(m, Meaning::Test { .. }));
}

#[test]
fn logic() {
    check_all(|m| matches!(m, Meaning::Truth(_) | Meaning::Truths(_)));
}

#[test]
fn of_the_bits_of_integers() {
    check_all(|m| matches!(m, Meaning::Integers(_)));
}

#[test]
fn selections_and_casts() {
    check_all(|m| matches!(m, Meaning::Select | Meaning::Cast));
}

/// Transcendental functions at many points, to the accuracy that the prelude states.
#[test]
fn prelude_is_as_exact_as_it_says() {
    let Some(device) = device() else { return };
    let points: Vec<u32> = (0..4001)
        .map(|i| ((i as f32 - 2000.0) * 0.01f32).to_bits())
        .collect();
    let positive: Vec<u32> = (0..4001)
        .map(|i| ((i as f32 - 2000.0) * 0.03f32).exp().to_bits())
        .collect();
    for (scalar, points, relative, absolute) in [
        (Scalar::EXP, &points, 3e-7, 0.0),
        (Scalar::TANH, &points, 4e-7, 0.0),
        (Scalar::ERF, &points, 4e-7, 0.0),
        // Near 1 the relative error of the argument itself is larger.
        (Scalar::LOG, &positive, 3e-7, 0.0),
    ] {
        let schedule = applied(scalar, &[DType::F32], DType::F32, points.len());
        let tolerance = Tolerance { relative, absolute };
        filled(schedule, vec![points.clone()]).check(device, tolerance);
    }
}
