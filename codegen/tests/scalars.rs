//! Every scalar instruction of the table, of every element type it has, on special and random values,
//! compiled for the CPU.
#![cfg(feature = "cpu")]

use crate::support;

use sinew_codegen::cpu::{EmitError, Instructions, Options, compile};
use sinew_codegen::execute::execute;
use sinew_codegen::kernel::Schedule;
use sinew_fuzz::Random;
use sinew_ir::scalar::{Meaning, UnaryFloat};
use sinew_ir::{DType, Scalar};
use support::targets::targets;
use support::{applied, bytes, run_compiled, values};

/// Runs a schedule of a map over operands and a result, each in a region of its own; gives the result.
fn run(schedule: &Schedule, options: &Options, operands: &[Vec<f64>]) -> Vec<f64> {
    let mut memory = memory(schedule, operands);
    run_compiled(schedule, &mut memory, options);
    result(schedule, &memory)
}

fn memory(schedule: &Schedule, operands: &[Vec<f64>]) -> Vec<Vec<u8>> {
    let mut memory: Vec<Vec<u8>> = schedule.regions.iter().map(|r| vec![0; r.bytes]).collect();
    for ((memory, buffer), operand) in memory.iter_mut().zip(&schedule.buffers).zip(operands) {
        *memory = bytes(operand, buffer.dtype);
    }
    memory
}

fn result(schedule: &Schedule, memory: &[Vec<u8>]) -> Vec<f64> {
    let (memory, buffer) = memory
        .iter()
        .zip(&schedule.buffers)
        .next_back()
        .expect("a result");
    values(memory, buffer.dtype)
}

/// Equal, both NaN, or within `tolerance` of `expected`.
fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let near = (found - expected).abs() <= tolerance * expected.abs().max(f64::MIN_POSITIVE);
    assert!(
        found == expected || (found.is_nan() && expected.is_nan()) || near,
        "{what}: {found:e}, not {expected:e}"
    );
}

/// Evenly between -1 and 1.
fn number(random: &mut Random) -> f64 {
    (random.bits() >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

const SPECIAL: [f64; 20] = [
    0.0,
    -0.0,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
    1e-40,
    -1e-40,
    1.1754943508222875e-38,
    3.0e38,
    -3.0e38,
    1.0,
    -1.0,
    0.5,
    -2.5,
    3.5,
    1e-6,
    -1e-3,
    0.3,
    2147483648.0,
    -7.0,
];

/// Values that the type holds exactly: special ones, those where the instruction's formulas change,
/// and random ones of its domain and outside.
fn operands(op: Scalar, dtype: DType) -> Vec<f64> {
    let mut random = Random::new(7);
    let mut values: Vec<f64> = match dtype {
        DType::F32 | DType::F64 => [&SPECIAL[..], op.def().edges].concat(),
        DType::I32 => vec![0.0, 1.0, -1.0, 7.0, -7.0, 2.0, -2147483648.0, 2147483647.0],
        DType::U32 => vec![0.0, 1.0, 7.0, 3.0, 4294967295.0, 2147483648.0],
        DType::Bool => vec![0.0, 1.0],
        DType::F16 | DType::Bf16 | DType::Float => panic!("nothing is computed in it"),
    };
    for i in 0..60 {
        let r = number(&mut random);
        values.push(match dtype {
            DType::F32 | DType::F64 => f64::from((r * [1.0, 10.0, 100.0][i % 3]) as f32),
            DType::I32 => (r * [1000.0, 2147483647.0][i % 2]).trunc(),
            DType::U32 => (r.abs() * [1000.0, 4294967295.0][i % 2]).trunc(),
            DType::Bool => f64::from(u8::from(r > 0.0)),
            DType::F16 | DType::Bf16 | DType::Float => panic!("nothing is computed in it"),
        });
    }
    if dtype == DType::F32 {
        values.iter_mut().for_each(|v| *v = f64::from(*v as f32));
    }
    values
}

/// What the table says of an operand pair; the second is ignored where there is one operand.
fn meaning(op: Scalar, from: DType, to: DType, a: f64, b: f64) -> f64 {
    let operands = &[a, b][..op.arity()];
    op.evaluate(from, to, operands).expect("as many operands")
}

/// Runs `op` over every pair (or every value), in scalar and vector loops, and compares.
fn check(op: Scalar, from: DType, to: DType, tolerance: f64) {
    let binary = op.arity() == 2;
    let base = operands(op, from);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for (i, &x) in base.iter().enumerate() {
        if binary {
            for &y in base.iter().skip(i % 3).step_by(3) {
                a.push(x);
                b.push(y);
            }
        } else {
            a.push(x);
            b.push(0.0);
        }
    }
    // An odd count, so that there is a tail.
    if a.len() % 2 == 0 {
        a.push(base[0]);
        b.push(base[0]);
    }
    let n = a.len();
    let schedule = applied(op, &vec![from; op.arity()], to, n);
    let columns = [a.clone(), b.clone()];
    for options in targets() {
        let found = run(&schedule, &options, &columns[..op.arity()]);
        for (i, found) in found.into_iter().enumerate() {
            let mut expected = meaning(op, from, to, a[i], b[i]);
            if to == DType::F32 {
                expected = f64::from(expected as f32);
            }
            let what = format!(
                "{op} {from} {to} of {:e} and {:e}, vectors {:?}",
                a[i], b[i], options.vectors
            );
            // Below the normal range f32 keeps fewer digits, and exp gives 0.
            if op == Scalar::EXP && to == DType::F32 && expected < 1.2e-38 && found == 0.0 {
                continue;
            }
            if to == DType::F32 && expected.abs() < 1.2e-38 {
                assert!(
                    (found - expected).abs() <= 3e-45,
                    "{what}: {found:e}, not {expected:e}"
                );
            } else {
                assert_close(found, expected, tolerance, &what);
            }
        }
    }
}

const ALL: [DType; 5] = [DType::F32, DType::F64, DType::I32, DType::U32, DType::Bool];

/// The relative error that an instruction may have in a type.
fn tolerance(op: Scalar, dtype: DType) -> f64 {
    match op {
        Scalar::Unary(UnaryFloat::Sqrt | UnaryFloat::Floor) => 0.0,
        Scalar::Unary(_) if dtype == DType::F32 => 1e-6,
        Scalar::Unary(_) => 1e-14,
        Scalar::REM => 1e-6,
        Scalar::Number(_)
        | Scalar::Arithmetic(_)
        | Scalar::Compare(_)
        | Scalar::Logic(_)
        | Scalar::Bits(_)
        | Scalar::Select
        | Scalar::Cast => 0.0,
    }
}

/// Checks every instruction that `chosen` picks, of every type that it takes.
fn check_all(chosen: fn(Meaning) -> bool) {
    let mut checked = 0;
    for op in Scalar::TABLE {
        if !chosen(op.def().meaning) {
            continue;
        }
        for from in ALL {
            for to in ALL {
                let operands = vec![from; op.arity()];
                if op.fits(&operands, to) {
                    check(*op, from, to, tolerance(*op, from));
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 0);
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
fn casts() {
    check_all(|m| matches!(m, Meaning::Cast));
}

#[test]
fn select_of_every_type() {
    for dtype in ALL.into_iter().chain([DType::F16, DType::Bf16]) {
        let n = 11;
        let condition: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i % 3 == 1))).collect();
        let a: Vec<f64> = (0..n).map(|i| f64::from((i % 2) as u8)).collect();
        let b: Vec<f64> = (0..n).map(|i| f64::from((i % 5 == 0) as u8)).collect();
        let operands = [DType::Bool, dtype, dtype];
        let schedule = applied(Scalar::SELECT, &operands, dtype, n);
        let expected: Vec<f64> = (0..n)
            .map(|i| if condition[i] != 0.0 { a[i] } else { b[i] })
            .collect();
        for options in targets() {
            let found = run(
                &schedule,
                &options,
                &[condition.clone(), a.clone(), b.clone()],
            );
            assert_eq!(found, expected, "{dtype}");
        }
    }
}

const HALVES: [DType; 2] = [DType::F16, DType::Bf16];

#[test]
fn every_half_is_that_number_in_f32() {
    for dtype in HALVES {
        let halves: Vec<f64> = (0..=u16::MAX)
            .map(|bits| dtype.of_half_bits(bits))
            .collect();
        let schedule = applied(Scalar::CAST, &[dtype], DType::F32, halves.len());
        let mut given = memory(&schedule, &[]);
        given[0] = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
        for options in targets() {
            let mut memory = given.clone();
            run_compiled(&schedule, &mut memory, &options);
            for (bits, (found, half)) in result(&schedule, &memory).iter().zip(&halves).enumerate()
            {
                let same = found.to_bits() == half.to_bits() || (found.is_nan() && half.is_nan());
                assert!(
                    same,
                    "{dtype} {bits:#06x}: {found:e}, not {half:e}, {options:?}"
                );
            }
        }
    }
}

/// Each half, the middles to the next ones and what lies beside them, with both signs; and numbers all over
/// f32.
#[test]
fn every_f32_is_the_nearest_half() {
    for dtype in HALVES {
        let numbers = support::data::around_halves(dtype);
        let schedule = applied(Scalar::CAST, &[DType::F32], dtype, numbers.len());
        for options in targets() {
            let mut memory = memory(&schedule, std::slice::from_ref(&numbers));
            run_compiled(&schedule, &mut memory, &options);
            let (halves, _) = memory[1].as_chunks::<2>();
            for (number, half) in numbers.iter().zip(halves) {
                let (found, expected) = (u16::from_le_bytes(*half), dtype.half_bits(*number));
                let nan = number.is_nan() && dtype.of_half_bits(found).is_nan();
                assert!(
                    nan || found == expected,
                    "{number:e} as {dtype}: {found:#06x}, not {expected:#06x}, {options:?}"
                );
            }
        }
    }
}

/// Without AVX, operands in memory were taken for aligned to the vector: it ended the process.
#[test]
fn comparisons_of_elements_that_lie_anywhere() {
    let count = 11;
    for dtype in [DType::F32, DType::F64, DType::I32] {
        for op in [Scalar::EQ, Scalar::LT, Scalar::LE, Scalar::MAXIMUM] {
            let to = match op {
                Scalar::MAXIMUM => dtype,
                _ => DType::Bool,
            };
            let text = format!(
                "memory x {dtype}[{n}] input
                memory y {dtype}[{n}] input
                memory z {to}[{count}] state
                kernel compare {{
                  nest outer [{count}] inner [] rows []
                  row {{
                    r0: {dtype} = load s0 at 1 [1]
                    r1: {dtype} = load s1 at 1 [1]
                    r2: {to} = {op} r0 r1
                    store r2 s2 at 0 [1]
                  }}
                }}",
                n = count + 1
            );
            let schedule = support::template::schedule(&text);
            let numbers = |turn: usize| (0..=count).map(|i| ((i * turn) % 5) as f64).collect();
            let operands: [Vec<f64>; 2] = [numbers(2), numbers(3)];
            let mut expected = memory(&schedule, &operands);
            execute(&schedule, &mut expected).expect("executes");
            let expected = result(&schedule, &expected);
            for options in targets() {
                let found = run(&schedule, &options, &operands);
                assert_eq!(found, expected, "{op} of {dtype}, {options:?}");
            }
        }
    }
}

/// A host runs what it has and refuses what it has not.
#[test]
fn instructions_that_the_host_lacks_are_refused() {
    let schedule = applied(Scalar::ADD, &[DType::F32; 2], DType::F32, 2);
    let host = Instructions::of_host();
    println!("this host has {host:?}");
    assert_eq!(host.first(), Some(&Instructions::Baseline));
    assert_eq!(host.last(), Some(&Instructions::widest()));
    for instructions in Instructions::ALL {
        let options = Options {
            instructions,
            ..Options::default()
        };
        match compile(&schedule, &options) {
            Ok(_) => assert!(host.contains(&instructions)),
            Err(EmitError::Instructions(set)) => {
                assert_eq!(set, instructions);
                assert!(!host.contains(&set));
            }
            Err(e) => panic!("{e}"),
        }
    }
}
