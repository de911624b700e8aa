//! Random elements through the scheduler: the published vectors of the generator, and what distributions
//! draw, bit by bit the interpreter's by the executor and by compiled code, on every set of instructions.

use crate::support;

use sinew_codegen::execute::execute;
use sinew_ir::attributes::{Bernoulli, Bits, Draw, Interval};
use sinew_ir::{Attributes, DType, Dim, Function, Number, Op, Shape, ops};
use sinew_testing::{generator, published};
use support::{ProgramBuilder, bytes, interpreted, scheduled, values};

/// Runs a program by the executor and by compiled code; all must give `expected`.
fn check(function: &Function, inputs: &[Vec<f64>], expected: &[Vec<f64>]) {
    let s = scheduled(function);
    let mut before: Vec<Vec<u8>> = s.regions.iter().map(|r| vec![0; r.bytes]).collect();
    for (p, data) in inputs.iter().enumerate() {
        before[p + 1] = bytes(data, function.values[p].dtype);
    }
    let compare = |by: &str, memory: &[Vec<u8>]| {
        for (k, v) in function.body.results.iter().enumerate() {
            let region = &memory[1 + function.params.len() + k];
            let found = values(region, function.type_of(*v).dtype);
            assert_eq!(found, expected[k], "by {by}\n{function}");
        }
    };
    let mut memory = before.clone();
    execute(&s, &mut memory).expect("executes");
    compare("the executor", &memory);
    #[cfg(feature = "cpu")]
    for options in support::targets::targets() {
        let mut memory = before.clone();
        support::run_compiled(&s, &mut memory, &options);
        compare(&format!("{options:?}"), &memory);
    }
}

#[test]
fn the_generator_gives_its_published_vectors() {
    let function = generator(3).expect("words");
    let (inputs, expected) = published();
    assert_eq!(interpreted(&function, &inputs), expected);
    check(&function, &inputs, &expected);
}

/// All that is drawn without a series, of a key with all bits in it.
#[test]
fn what_is_drawn_is_the_same_bit_by_bit() {
    let shape = &Shape::from_extents(&[7, 9]);
    let (zero, one, p) = (
        &Number::Known(0.0),
        &Number::Known(1.0),
        &Number::Known(0.3),
    );
    let (low, high) = (
        &Number::Known(f64::from(i32::MIN)),
        &Number::Known(f64::from(i32::MAX)),
    );
    let (ten, less) = (&Number::Known(10.0), &Number::Known(-7.0));
    let word = &Dim::constant(1);
    let unit = |dtype: DType| Interval {
        low: zero,
        high: one,
        dtype,
        shape,
    };
    let draws: Vec<(Op, Attributes)> = vec![
        (ops::RANDOM_BITS, Bits { shape, word }.into()),
        (ops::UNIFORM, unit(DType::F32).into()),
        (ops::UNIFORM, unit(DType::F64).into()),
        (ops::BERNOULLI, Bernoulli { p, shape }.into()),
        (ops::RANDINT, Draw { low, high, shape }.into()),
        (
            ops::RANDINT,
            Draw {
                low: less,
                high: ten,
                shape,
            }
            .into(),
        ),
    ];
    for (op, attributes) in draws {
        let mut p = ProgramBuilder::new();
        let key = ["a", "b", "c"].map(|name| p.input(name, DType::U32, &[]));
        let drawn = p.b.op(op, &key, attributes).expect("it fits");
        let function = p.finish(&[drawn]);
        let inputs = [0x9e37_79b9u32, 0xf39c_c060, 17].map(|w| vec![f64::from(w)]);
        let expected = interpreted(&function, &inputs);
        check(&function, &inputs, &expected);
    }
}
