//! Every op of the table, as its entry's test data apply it, through the scheduler: by the executor and
//! by compiled code, with scalars and with vectors, in f32 and f64, against the interpreter.

use crate::support;

use sinew_codegen::execute::execute;
use sinew_ir::{DType, Function, Instance, Op, Type, ops};
use support::{ProgramBuilder, bytes, interpreted, numbers, scheduled, values};

/// An application as a program, its floats of the given type.
pub fn program(op: Op, instance: &Instance, float: DType) -> Function {
    let mut p = ProgramBuilder::new();
    let operands: Vec<_> = instance
        .operands
        .iter()
        .enumerate()
        .map(|(i, t)| {
            let dtype = match t.dtype.is_float() {
                true => float,
                false => t.dtype,
            };
            let extents = t.shape.extents().expect("test data has known extents");
            p.input(&format!("x{i}"), dtype, &extents)
        })
        .collect();
    let result = p.b.op(op, &operands, instance.attributes.clone());
    let result = result.unwrap_or_else(|e| panic!("{}: {e}", op.name));
    p.finish(&[result])
}

/// Elements of the op's domain, away from its kinks.
fn inputs(op: Op, function: &Function) -> Vec<Vec<f64>> {
    let mut domains = op.test.domain.iter();
    let element = |ty: &Type, i: usize, x: f64, (low, high): (f64, f64)| match ty.dtype {
        DType::Bool => f64::from(u8::from(x > 0.0)),
        DType::I32 | DType::U32 => (i % 3) as f64,
        DType::Float | DType::F32 | DType::F64 | DType::F16 | DType::Bf16 => {
            let at = low + (high - low) * (x + 0.5);
            let near = op.test.kinks.iter().any(|k| (at - k).abs() < 0.02);
            let at = f64::from((if near { at + 0.03 } else { at }) as f32);
            ty.dtype.nearest(at)
        }
    };
    let params = function.values[..function.params.len()].iter().enumerate();
    params
        .map(|(p, ty)| {
            let last = op.test.domain.last().copied().unwrap_or((-2.0, 2.0));
            let domain = match ty.dtype.is_float() {
                true => domains.next().copied().unwrap_or(last),
                false => last,
            };
            let count = ty.shape.extents().expect("bound").iter().product();
            let random = numbers(count, p + 1).into_iter().enumerate();
            random.map(|(i, x)| element(ty, i, x, domain)).collect()
        })
        .collect()
}

fn check(what: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        let close = (a - b).abs() <= tolerance * (1.0 + b.abs());
        let same = a == b || (a.is_nan() && b.is_nan());
        assert!(close || same, "{what}[{i}]: {a}, not {b}");
    }
}

fn every_op(float: DType, tolerance: f64) {
    for op in ops::TABLE {
        for (i, instance) in (op.test.instances)(op).iter().enumerate() {
            let function = program(*op, instance, float);
            let inputs = inputs(*op, &function);
            let expected = interpreted(&function, &inputs);
            let s = scheduled(&function);
            let mut before: Vec<Vec<u8>> = s.regions.iter().map(|r| vec![0xA5; r.bytes]).collect();
            for (p, data) in inputs.iter().enumerate() {
                before[p + 1] = bytes(data, function.values[p].dtype);
            }
            let compare = |by: &str, memory: &[Vec<u8>]| {
                for (k, v) in function.body.results.iter().enumerate() {
                    let region = &memory[1 + function.params.len() + k];
                    let found = values(region, function.type_of(*v).dtype);
                    let what = format!("{} {i} in {float} by {by}", op.name);
                    check(&what, &found, &expected[k], tolerance);
                }
            };
            let mut memory = before.clone();
            if let Err(e) = execute(&s, &mut memory) {
                panic!("{} {i}: {e}\n{s}", op.name);
            }
            compare("the executor", &memory);
            #[cfg(feature = "cpu")]
            for options in support::targets::targets() {
                let mut memory = before.clone();
                support::run_compiled(&s, &mut memory, &options);
                compare(&format!("{options:?}"), &memory);
            }
        }
    }
}

#[test]
fn every_op_in_f64() {
    every_op(DType::F64, 1e-12);
}

#[test]
fn every_op_in_f32() {
    every_op(DType::F32, 1e-5);
}

/// Against the interpreter, which computes in f64: by one in the last place of the half.
#[test]
fn every_op_in_halves() {
    for dtype in [DType::F16, DType::Bf16] {
        every_op(dtype, support::tolerance(dtype));
    }
}
