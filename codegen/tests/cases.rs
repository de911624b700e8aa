//! Operations with PyTorch's values through the scheduler: the slow executor, and compiled code.

use crate::support;

use sinew_codegen::execute::execute;
use sinew_ir::{Array, DType};
use sinew_testing::{Case, difference, read};
use std::path::Path;
use support::{bytes, scheduled, values};

fn cases() -> Vec<Case> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data");
    read(Path::new(folder)).expect("the project's test data")
}

/// What differs from PyTorch's values, over all cases that are covered.
fn differences(float: DType, relative: f64, absolute: f64) -> Vec<String> {
    let mut wrong = Vec::new();
    for case in cases() {
        let program = match case.program(float) {
            Ok(Some(program)) => program,
            Ok(None) => continue,
            Err(e) => panic!("{}: {e}", case.name),
        };
        let function = &program.function;
        let s = scheduled(function);
        let mut before: Vec<Vec<u8>> = s.regions.iter().map(|r| vec![0xA5; r.bytes]).collect();
        for (p, x) in program.inputs.iter().enumerate() {
            before[p + 1] = bytes(&x.data, x.dtype);
        }
        let mut check = |by: &str, memory: &[Vec<u8>]| {
            for (i, expected) in program.expected.iter().enumerate() {
                let ty = function.type_of(function.body.results[i]);
                let shape = ty.shape.extents().expect("linked");
                let region = &memory[1 + function.params.len() + i];
                let found = Array::new(ty.dtype, &shape, values(region, ty.dtype));
                let found = found.expect("as many elements");
                if let Some(what) = difference(&found, expected, relative, absolute) {
                    let name = &case.name;
                    wrong.push(format!("{name} by {by}, result {i}: {what}"));
                }
            }
        };
        let mut memory = before.clone();
        if let Err(e) = execute(&s, &mut memory) {
            panic!("{}: {e}\n{}", case.name, s);
        }
        check("the executor", &memory);
        #[cfg(feature = "cpu")]
        for options in support::targets::targets() {
            let mut memory = before.clone();
            support::run_compiled(&s, &mut memory, &options);
            check(&format!("{options:?}"), &memory);
        }
    }
    wrong
}

#[test]
fn pytorchs_values_in_f64() {
    let wrong = differences(DType::F64, 1e-9, 1e-14);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn pytorchs_values_in_f32() {
    // Sums of terms of size 1 to 10 that cancel leave an error of their size, not of the sum's.
    let wrong = differences(DType::F32, 1e-5, 4e-6);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
