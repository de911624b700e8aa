//! Functions of one float that are made of other ops, against libm's: near 0, near their ends, far out,
//! at zeros, infinities and NaN.

use sinew_ir::{
    Array, Block, Builder, DType, Function, Op, Param, ParamKind, Type, derive_pullback, interpret,
    ops,
};
use sinew_testing::with_gradients;

type Outcome = Result<(), Box<dyn std::error::Error>>;

const POINTS: &[f64] = &[
    0.0,
    -0.0,
    1e-300,
    1e-12,
    -1e-9,
    1e-4,
    -0.1,
    0.3,
    0.5,
    -0.7,
    0.999,
    0.999_999_999,
    1.0,
    -1.0,
    -0.999_999,
    1.000_001,
    1.2,
    -1.7,
    2.5,
    -3.4,
    5.5,
    -20.25,
    100.0,
    700.5,
    -709.9,
    711.0,
    1e6,
    1e300,
    f64::INFINITY,
    f64::NEG_INFINITY,
    f64::NAN,
];

fn applied(op: Op, data: &[f64]) -> Result<Vec<f64>, Box<dyn std::error::Error>> {
    let mut b = Builder::default();
    let x = b.value(Type::from_extents(DType::F64, &[data.len()]));
    let y = b.op(op, &[x], Vec::new())?;
    let function = Function {
        name: op.name.to_string(),
        params: vec![Param {
            name: "x".to_string(),
            kind: ParamKind::Input,
        }],
        values: b.values,
        body: Block::body(1, b.insts, vec![y]),
        ..Function::default()
    };
    let input = Array::new(DType::F64, &[data.len()], data.to_vec()).expect("as many elements");
    Ok(interpret(&function, &[input])?.remove(0).data)
}

fn agree(op: Op, reference: fn(f64) -> f64) -> Outcome {
    for (x, y) in POINTS.iter().zip(applied(op, POINTS)?) {
        let expected = reference(*x);
        let close = (y - expected).abs() <= 1e-14 * expected.abs();
        let same = y == expected || (y.is_nan() && expected.is_nan());
        assert!(
            close || same,
            "{} of {x:e}: {y:e}, not {expected:e}",
            op.name
        );
        if expected == 0.0 {
            let signs = (y.is_sign_negative(), expected.is_sign_negative());
            assert_eq!(signs.0, signs.1, "the sign of {} of {x:e}", op.name);
        }
    }
    Ok(())
}

#[test]
fn angles() -> Outcome {
    agree(ops::TAN, libm::tan)?;
    agree(ops::ASIN, libm::asin)?;
    agree(ops::ACOS, libm::acos)
}

#[test]
fn hyperbolic_functions() -> Outcome {
    agree(ops::SINH, libm::sinh)?;
    agree(ops::COSH, libm::cosh)
}

#[test]
fn roots_and_whole_numbers() -> Outcome {
    agree(ops::RSQRT, |x| 1.0 / x.sqrt())?;
    agree(ops::CEIL, f64::ceil)?;
    agree(ops::ROUND, f64::round_ties_even)
}

/// The gradient of `prod` at factors that are 0, and the gradient of its sum of squares.
#[test]
fn products_have_the_other_factors_as_derivative_where_some_are_zero() -> Outcome {
    let first = |x: &[f64]| {
        let others = |i: usize| {
            let rest = x.iter().enumerate().filter(|(j, _)| *j != i);
            rest.map(|(_, v)| v).product::<f64>()
        };
        (0..x.len()).map(others).collect::<Vec<f64>>()
    };
    for x in [
        &[2.0, 3.0, -0.5][..],
        &[2.0, 0.0, -0.5],
        &[0.0, 3.0, 0.0],
        &[0.0, 0.0, 0.0],
        &[0.0],
        &[],
    ] {
        let mut b = Builder::default();
        let v = b.value(Type::from_extents(DType::F64, &[x.len()]));
        let axes = b.type_of(v).shape.axes();
        let y = b.over(ops::PROD, v, &axes)?;
        let mut f = Function {
            name: "prod".to_string(),
            params: vec![Param {
                name: "x".to_string(),
                kind: ParamKind::Input,
            }],
            values: b.values,
            body: Block::body(1, b.insts, vec![y]),
            ..Function::default()
        };
        derive_pullback(&mut f, &|_| None)?;
        let with = with_gradients(&f).ok_or("no calls are here")?;
        let array = |shape: &[usize], data: &[f64]| {
            Array::new(DType::F64, shape, data.to_vec()).expect("as many elements")
        };
        let inputs = [array(&[x.len()], x), array(&[], &[1.0])];
        let found = interpret(&with, &inputs)?;
        assert_eq!(found[1].data, first(x), "{x:?}");

        // Second order, by differences of the first: exact for what is linear in each factor.
        let mut g = with;
        g.body.results.remove(0);
        derive_pullback(&mut g, &|_| None)?;
        let twice = with_gradients(&g).ok_or("no calls are here")?;
        let cotangent: Vec<f64> = (0..x.len()).map(|i| 1.0 + i as f64).collect();
        let inputs = [
            array(&[x.len()], x),
            array(&[], &[1.0]),
            array(&[x.len()], &cotangent),
        ];
        let found = interpret(&twice, &inputs)?;
        for i in 0..x.len() {
            let mut moved = x.to_vec();
            moved[i] += 1.0;
            let change = first(&moved).into_iter().zip(first(x)).zip(&cotangent);
            let expected: f64 = change.map(|((a, b), c)| (a - b) * c).sum();
            let gradient = &found[1].data;
            assert!(
                (gradient[i] - expected).abs() < 1e-12,
                "{x:?}: {gradient:?}"
            );
        }
    }
    Ok(())
}
