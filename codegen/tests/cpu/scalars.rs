//! Every scalar instruction, of every element type it has, on special and random values.

use sinew_ir::{DType, Scalar};

use crate::setup::*;
use crate::targets::targets;

const SPECIAL: [f64; 26] = [
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
    88.5,
    88.8,
    -87.0,
    -95.0,
    -103.9,
    -110.0,
    1e-6,
    -1e-3,
    0.3,
    2147483648.0,
    -7.0,
];

/// Values that the type holds exactly.
fn values(dtype: DType) -> Vec<f64> {
    let mut random = Random(7);
    let mut values: Vec<f64> = match dtype {
        DType::F32 | DType::F64 => SPECIAL.to_vec(),
        DType::I32 => vec![0.0, 1.0, -1.0, 7.0, -7.0, 2.0, -2147483648.0, 2147483647.0],
        DType::U32 => vec![0.0, 1.0, 7.0, 3.0, 4294967295.0, 2147483648.0],
        DType::Bool => vec![0.0, 1.0],
        DType::Float => panic!("unbound"),
    };
    for i in 0..60 {
        let r = random.next();
        values.push(match dtype {
            DType::F32 | DType::F64 => f64::from((r * [1.0, 10.0, 100.0][i % 3]) as f32),
            DType::I32 => (r * 1000.0).trunc(),
            DType::U32 => (r.abs() * 1000.0).trunc(),
            DType::Bool => f64::from(u8::from(r > 0.0)),
            DType::Float => panic!("unbound"),
        });
    }
    if dtype == DType::F32 {
        values.iter_mut().for_each(|v| *v = f64::from(*v as f32));
    }
    values
}

/// What the instruction means, in f64 (and i64 for integers).
fn meaning(op: Scalar, from: DType, to: DType, a: f64, b: f64) -> f64 {
    let truth = |t: bool| f64::from(u8::from(t));
    let wrap = |v: i64| match from {
        DType::I32 => f64::from(v as i32),
        DType::U32 => f64::from(v as u32),
        DType::Float | DType::F32 | DType::F64 | DType::Bool => v as f64,
    };
    let integer = from.is_integer();
    let (ia, ib) = (a as i64, b as i64);
    match op {
        Scalar::Add if integer => wrap(ia + ib),
        Scalar::Add => a + b,
        Scalar::Sub if integer => wrap(ia - ib),
        Scalar::Sub => a - b,
        Scalar::Mul if integer => wrap(ia.wrapping_mul(ib)),
        Scalar::Mul => a * b,
        Scalar::Div if integer => {
            if ib == 0 {
                0.0
            } else {
                wrap(ia / ib)
            }
        }
        Scalar::Div => a / b,
        Scalar::Rem if integer => {
            if ib == 0 {
                0.0
            } else {
                let r = ia % ib;
                wrap(if r != 0 && (r < 0) != (ib < 0) {
                    r + ib
                } else {
                    r
                })
            }
        }
        Scalar::Rem => {
            let r = a % b;
            if r != 0.0 && (r < 0.0) != (b < 0.0) {
                r + b
            } else {
                r
            }
        }
        Scalar::Maximum if a.is_nan() || b.is_nan() => f64::NAN,
        Scalar::Maximum => a.max(b),
        Scalar::Minimum if a.is_nan() || b.is_nan() => f64::NAN,
        Scalar::Minimum => a.min(b),
        Scalar::Neg if integer => wrap(-ia),
        Scalar::Neg => -a,
        Scalar::Abs if integer => wrap(ia.abs()),
        Scalar::Abs => a.abs(),
        Scalar::Sqrt => a.sqrt(),
        Scalar::Exp => a.exp(),
        Scalar::Log => a.ln(),
        Scalar::Tanh => a.tanh(),
        Scalar::Erf => libm::erf(a),
        Scalar::Floor => a.floor(),
        Scalar::Sign if a.is_nan() => a,
        Scalar::Sign => truth(a > 0.0) - truth(a < 0.0),
        Scalar::Lt => truth(a < b),
        Scalar::Le => truth(a <= b),
        Scalar::Eq => truth(a == b),
        Scalar::Ne => truth(a != b),
        Scalar::And => truth(a != 0.0 && b != 0.0),
        Scalar::Or => truth(a != 0.0 || b != 0.0),
        Scalar::Not => truth(a == 0.0),
        Scalar::Select => panic!("tested on its own"),
        Scalar::Cast => match to {
            DType::F32 | DType::F64 => a,
            DType::I32 if from == DType::U32 => f64::from(a as u32 as i32),
            DType::U32 if from == DType::I32 => f64::from(a as i32 as u32),
            DType::I32 => f64::from(a as i32),
            DType::U32 => f64::from(a as u32),
            DType::Bool => truth(a != 0.0),
            DType::Float => panic!("unbound"),
        },
    }
}

/// Runs `op` over every pair (or every value), in scalar and vector loops, and compares.
fn check(op: Scalar, from: DType, to: DType, binary: bool, tolerance: f64) {
    let base = values(from);
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
    let mut coder = Coder::default();
    let mut operands = vec![coder.load(access(0, 0, &[1]), from)];
    if binary {
        operands.push(coder.load(access(1, 0, &[1]), from));
    }
    let result = coder.apply(op, &operands, to);
    coder.store(access(2, 0, &[1]), result);
    let mut data = vec![
        Data::new(from, a.clone()),
        Data::new(from, b.clone()),
        Data::zeros(to, n),
    ];
    let schedule = schedule(&data, vec![map(&[n], coder.code)]);
    for options in targets() {
        run(&schedule, &options, &mut data);
        for (i, &found) in data[2].values.iter().enumerate() {
            let mut expected = meaning(op, from, to, a[i], b[i]);
            if to == DType::F32 {
                expected = f64::from(expected as f32);
            }
            let what = format!(
                "{op:?} {from} {to} of {:e} and {:e}, vectors {}",
                a[i], b[i], options.vectors
            );
            // Below the normal range f32 keeps fewer digits, and exp gives 0.
            if op == Scalar::Exp && to == DType::F32 && expected < 1.2e-38 && found == 0.0 {
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

const NUMBERS: [DType; 4] = [DType::F32, DType::F64, DType::I32, DType::U32];
const FLOATS: [DType; 2] = [DType::F32, DType::F64];

#[test]
fn arithmetic() {
    for dtype in NUMBERS {
        for op in [
            Scalar::Add,
            Scalar::Sub,
            Scalar::Mul,
            Scalar::Div,
            Scalar::Maximum,
            Scalar::Minimum,
        ] {
            check(op, dtype, dtype, true, 0.0);
        }
        for op in [Scalar::Neg, Scalar::Abs, Scalar::Sign, Scalar::Floor] {
            check(op, dtype, dtype, false, 0.0);
        }
    }
}

#[test]
fn remainder() {
    for dtype in NUMBERS {
        check(Scalar::Rem, dtype, dtype, true, 1e-6);
    }
}

#[test]
fn elementary_functions() {
    for dtype in FLOATS {
        let tolerance = if dtype == DType::F32 { 1e-6 } else { 1e-14 };
        for op in [Scalar::Exp, Scalar::Log, Scalar::Tanh, Scalar::Erf] {
            check(op, dtype, dtype, false, tolerance);
        }
        check(Scalar::Sqrt, dtype, dtype, false, 0.0);
    }
}

#[test]
fn comparisons() {
    for dtype in [DType::F32, DType::F64, DType::I32, DType::U32, DType::Bool] {
        for op in [Scalar::Lt, Scalar::Le, Scalar::Eq, Scalar::Ne] {
            check(op, dtype, DType::Bool, true, 0.0);
        }
    }
}

#[test]
fn logic() {
    for op in [Scalar::And, Scalar::Or, Scalar::Maximum, Scalar::Minimum] {
        check(op, DType::Bool, DType::Bool, true, 0.0);
    }
    check(Scalar::Not, DType::Bool, DType::Bool, false, 0.0);
}

#[test]
fn casts() {
    let all = [DType::F32, DType::F64, DType::I32, DType::U32, DType::Bool];
    for from in all {
        for to in all {
            check(Scalar::Cast, from, to, false, 0.0);
        }
    }
}

#[test]
fn select_of_every_type() {
    for dtype in [DType::F32, DType::F64, DType::I32, DType::U32, DType::Bool] {
        let n = 11;
        let condition: Vec<f64> = (0..n).map(|i| f64::from(u8::from(i % 3 == 1))).collect();
        let a: Vec<f64> = (0..n).map(|i| f64::from((i % 2) as u8)).collect();
        let b: Vec<f64> = (0..n).map(|i| f64::from((i % 5 == 0) as u8)).collect();
        let mut coder = Coder::default();
        let c = coder.load(access(0, 0, &[1]), DType::Bool);
        let x = coder.load(access(1, 0, &[1]), dtype);
        let y = coder.load(access(2, 0, &[1]), dtype);
        let z = coder.apply(Scalar::Select, &[c, x, y], dtype);
        coder.store(access(3, 0, &[1]), z);
        let mut data = vec![
            Data::new(DType::Bool, condition.clone()),
            Data::new(dtype, a.clone()),
            Data::new(dtype, b.clone()),
            Data::zeros(dtype, n),
        ];
        let schedule = schedule(&data, vec![map(&[n], coder.code)]);
        for options in targets() {
            run(&schedule, &options, &mut data);
            let expected: Vec<f64> = (0..n)
                .map(|i| if condition[i] != 0.0 { a[i] } else { b[i] })
                .collect();
            assert_eq!(data[3].values, expected, "{dtype}");
        }
    }
}

/// Every power of two apart, the polynomials hold 1e-6 relative, also where results are tiny.
#[test]
fn polynomials_over_the_whole_range() {
    let mut points = Vec::new();
    for bits in (0..=0xff80_0000u32).step_by(70_001) {
        points.push(f64::from(f32::from_bits(bits)));
    }
    let mut x = -12.0f64;
    while x < 12.0 {
        points.push(f64::from(x as f32));
        x += 0.00317;
    }
    let n = points.len();
    for op in [Scalar::Exp, Scalar::Log, Scalar::Tanh, Scalar::Erf] {
        let mut coder = Coder::default();
        let x = coder.load(access(0, 0, &[1]), DType::F32);
        let y = coder.apply(op, &[x], DType::F32);
        coder.store(access(1, 0, &[1]), y);
        let mut data = vec![
            Data::new(DType::F32, points.clone()),
            Data::zeros(DType::F32, n),
        ];
        let schedule = schedule(&data, vec![map(&[n], coder.code)]);
        for options in targets().into_iter().filter(|t| t.vectors) {
            run(&schedule, &options, &mut data);
            let mut worst = (0.0, 0.0);
            for (&x, &found) in points.iter().zip(&data[1].values) {
                let expected = meaning(op, DType::F32, DType::F32, x, 0.0);
                if matches!(op, Scalar::Tanh | Scalar::Erf) {
                    assert!(
                        found.is_nan() || found.abs() <= 1.0,
                        "{op:?} of {x:e}: {found:e}"
                    );
                }
                if f64::from(expected as f32).abs() < 1.2e-38 || !(expected as f32).is_finite() {
                    let narrow = f64::from(expected as f32);
                    if op == Scalar::Exp && narrow < 1.2e-38 && found == 0.0 {
                        continue;
                    }
                    let same = found == narrow || (found.is_nan() && narrow.is_nan());
                    assert!(
                        same || (found - narrow).abs() <= 3e-45,
                        "{op:?} of {x:e}: {found:e}"
                    );
                    continue;
                }
                // Gelu of -1000 was -6e-5: far out, tanh and erf are exactly 1.
                if matches!(op, Scalar::Tanh | Scalar::Erf) && x.abs() >= 10.0 {
                    assert_eq!(found, x.signum(), "{op:?} of {x:e}");
                }
                let error = ((found - expected) / expected).abs();
                if error.is_nan() || error > worst.0 {
                    worst = (error, x);
                }
            }

            let (error, x) = worst;
            assert!(
                error <= 1e-6,
                "{op:?} of {x:e}: {error:.2e} off, {options:?}"
            );
        }
    }
}

/// Without AVX, operands in memory were taken for aligned to the vector: it ended the process.
#[test]
fn comparisons_of_elements_that_lie_anywhere() {
    let n = 11;
    for dtype in [DType::F32, DType::F64, DType::I32] {
        for op in [Scalar::Eq, Scalar::Lt, Scalar::Le, Scalar::Maximum] {
            let to = match op {
                Scalar::Maximum => dtype,
                _ => DType::Bool,
            };
            let mut coder = Coder::default();
            let x = coder.load(access(0, 1, &[1]), dtype);
            let y = coder.load(access(1, 1, &[1]), dtype);
            let z = coder.apply(op, &[x, y], to);
            coder.store(access(2, 0, &[1]), z);
            let numbers = |turn: usize| (0..=n).map(|i| ((i * turn) % 5) as f64).collect();
            let mut data = vec![
                Data::new(dtype, numbers(2)),
                Data::new(dtype, numbers(3)),
                Data::zeros(to, n),
            ];
            let schedule = schedule(&data, vec![map(&[n], coder.code)]);
            let mut expected = data.clone();
            execute(&schedule, &mut expected);
            for options in targets() {
                run(&schedule, &options, &mut data);
                assert_eq!(data[2], expected[2], "{op:?} of {dtype}, {options:?}");
            }
        }
    }
}
