//! Where formulas break: results and gradients at bounds, zeros, infinities and NaN are NumPy's, and
//! PyTorch's where NumPy has none. Every number expected here was computed by NumPy 2.4 or PyTorch 2.15.

use sinew_ir::compose::{self, Labels, Reduce};
use sinew_ir::{
    Array, Attribute, Axis, Binding, Block, Builder, DType, Dim, Function, OpError, Param,
    ParamKind, Type, Value, derive_pullback, interpret, link, link_pullback, ops,
};
use sinew_testing::{difference, unit};

type Outcome = Result<(), Box<dyn std::error::Error>>;

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

fn row(dtype: DType, data: &[f64]) -> Array {
    Array::new(dtype, &[data.len()], data.to_vec()).expect("as many elements")
}

fn floats(data: &[f64]) -> Array {
    row(DType::F64, data)
}

fn binding(float: DType) -> Binding {
    Binding::new(float)
}

fn function(
    types: &[Type],
    build: impl FnOnce(&mut Builder, &[Value]) -> Result<Value, OpError>,
) -> Result<Function, OpError> {
    let mut b = Builder::default();
    let operands: Vec<Value> = types.iter().map(|t| b.value(t.clone())).collect();
    let result = build(&mut b, &operands)?;
    let param = |i| Param {
        name: format!("x{i}"),
        kind: ParamKind::Input,
    };
    Ok(Function {
        name: "f".to_string(),
        params: (0..types.len()).map(param).collect(),
        values: b.values,
        body: Block::body(types.len(), b.insts, vec![result]),
        ..Function::default()
    })
}

/// The result and the gradients of its sum, as they are after linking.
fn run(
    inputs: &[Array],
    build: impl FnOnce(&mut Builder, &[Value]) -> Result<Value, OpError>,
) -> Result<Vec<Array>, Box<dyn std::error::Error>> {
    let types: Vec<Type> = inputs.iter().map(Array::type_of).collect();
    let mut f = function(&types, build)?;
    derive_pullback(&mut f, &|_| None)?;
    let linked = link_pullback(unit(&f), &binding(DType::F64), &|_| true)?;
    let ty = linked.program.type_of(linked.program.body.results[0]);
    let shape = ty.shape.extents().ok_or("known extents")?;
    let mut all = inputs.to_vec();
    if ty.dtype.is_float() {
        all.push(Array::filled(ty.dtype, &shape, 1.0));
    }
    Ok(interpret(&linked.program, &all)?)
}

/// Compares numbers, NaN with NaN, zeros with their signs.
fn assert_same(what: &str, found: &[f64], expected: &[f64]) {
    let bits = |data: &[f64]| -> Vec<u64> {
        let number = |x: &f64| if x.is_nan() { NAN } else { *x };
        data.iter().map(|x| number(x).to_bits()).collect()
    };
    assert_eq!(
        bits(found),
        bits(expected),
        "{what}: {found:?}, and must be {expected:?}"
    );
}

#[test]
fn a_clamp_of_crossed_bounds_is_the_upper_one() -> Outcome {
    let x = [-1.0, 0.0, 0.5, 1.0, 2.0, NAN];
    let cases = [
        (
            (0.0, 1.0),
            [0.0, 0.0, 0.5, 1.0, 1.0, NAN],
            [0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
        ),
        ((1.0, 0.0), [0.0, 0.0, 0.0, 0.0, 0.0, NAN], [0.0; 6]),
        ((NAN, 1.0), [NAN; 6], [0.0; 6]),
        ((0.0, NAN), [NAN; 6], [0.0; 6]),
    ];
    for ((low, high), result, gradient) in cases {
        let bounds = [floats(&x), floats(&[low; 6]), floats(&[high; 6])];
        let found = run(&bounds, |b, v| {
            compose::clamp(b, v[0], Some(v[1]), Some(v[2]))
        })?;
        assert_same("result", &found[0].data, &result);
        assert_same("gradient", &found[1].data, &gradient);
    }
    Ok(())
}

#[test]
fn powers_at_the_edges_are_numpys() -> Outcome {
    // x, y, x^y
    let cases: [[f64; 3]; 34] = [
        [1.0, NAN, 1.0],
        [1.0, INF, 1.0],
        [1.0, -INF, 1.0],
        [-1.0, INF, 1.0],
        [-1.0, -INF, 1.0],
        [-1.0, NAN, NAN],
        [-1.0, 0.5, NAN],
        [-0.0, -1.0, -INF],
        [0.0, -1.0, INF],
        [-0.0, 3.0, -0.0],
        [-0.0, 2.0, 0.0],
        [-0.0, -2.0, INF],
        [-0.0, -0.5, INF],
        [NAN, 0.0, 1.0],
        [NAN, 1.0, NAN],
        [0.0, 0.0, 1.0],
        [INF, -1.0, 0.0],
        [-INF, 3.0, -INF],
        [-INF, -3.0, -0.0],
        [-INF, 2.0, INF],
        [-INF, -0.5, 0.0],
        [2.0, INF, INF],
        [0.5, INF, 0.0],
        [0.5, -INF, INF],
        [2.0, -INF, 0.0],
        [-2.0, 0.5, NAN],
        [-2.0, INF, INF],
        [-0.5, INF, 0.0],
        [0.0, 0.5, 0.0],
        [0.0, INF, 0.0],
        [0.0, -INF, INF],
        [INF, INF, INF],
        [-INF, INF, INF],
        [2.0, NAN, NAN],
    ];
    let column = |i: usize| floats(&cases.map(|c| c[i]));
    let found = run(&[column(0), column(1)], |b, v| b.op(ops::POW, v, vec![]))?;
    assert_same("x^y", &found[0].data, &column(2).data);
    // A known exponent folds most of the formula away, and leaves the same.
    for [x, y, expected] in cases {
        let found = run(&[floats(&[x])], |b, v| {
            let y = b.like(y, v[0])?;
            b.op(ops::POW, &[v[0], y], vec![])
        })?;
        assert_same(&format!("{x}^{y}"), &found[0].data, &[expected]);
    }
    Ok(())
}

#[test]
fn the_slope_of_a_power_in_its_exponent_is_infinite_at_a_pole() -> Outcome {
    // x, y, d/dx, d/dy
    let cases: [[f64; 4]; 8] = [
        [0.0, -1.0, -INF, -INF],
        [-0.0, -1.0, -INF, INF],
        [-0.0, -2.0, INF, -INF],
        [0.0, 0.0, 0.0, 0.0],
        [0.0, 2.0, 0.0, 0.0],
        [0.0, 0.5, INF, 0.0],
        [NAN, 0.0, 0.0, NAN],
        [-2.0, 0.5, NAN, NAN],
    ];
    let column = |i: usize| floats(&cases.map(|c| c[i]));
    let found = run(&[column(0), column(1)], |b, v| b.op(ops::POW, v, vec![]))?;
    assert_same("d/dx", &found[1].data, &column(2).data);
    assert_same("d/dy", &found[2].data, &column(3).data);
    Ok(())
}

#[test]
fn a_remainder_of_zero_has_the_divisors_sign() -> Outcome {
    let x = floats(&[-0.0, 0.0, 3.0, -3.0, -1.0, 1.0, -1.0, 5.5, -5.5, 1.0]);
    let y = floats(&[-2.0, -2.0, -3.0, 3.0, INF, -INF, -INF, -2.0, 2.0, 0.0]);
    let expected = [-0.0, -0.0, -0.0, 0.0, INF, -INF, -1.0, -0.5, 0.5, NAN];
    let both = [x, y];
    let found = run(&both, |b, v| b.op(ops::REM, v, vec![]))?;
    assert_same("x % y", &found[0].data, &expected);
    // Folded, it is the same.
    for ((x, y), e) in std::iter::zip(&both[0].data, &both[1].data).zip(expected) {
        let found = run(&[], |b, _| {
            let shape = sinew_ir::Shape::from_extents(&[1]);
            let x = b.constant(*x, DType::F64, shape.clone())?;
            let y = b.constant(*y, DType::F64, shape)?;
            b.op(ops::REM, &[x, y], vec![])
        })?;
        assert_same(&format!("{x} % {y}"), &found[0].data, &[e]);
    }
    Ok(())
}

#[test]
fn a_variance_of_too_few_divides_by_zero() -> Outcome {
    let var = |data: &[f64], correction: f64| {
        run(&[floats(data)], |b, v| {
            compose::var(b, v[0], &[Axis::At(0)], &correction.into(), false)
        })
    };
    assert_same("two", &var(&[1.0, 2.0], 3.0)?[0].data, &[INF]);
    assert_same("one", &var(&[1.0], 1.0)?[0].data, &[NAN]);
    assert_same("one of one", &var(&[1.0, 2.0], 1.0)?[0].data, &[0.5]);
    Ok(())
}

#[test]
fn a_nan_in_a_row_is_in_the_gradient_of_its_maximum() -> Outcome {
    let x = [1.0, NAN, 3.0, NAN, NAN, 1.0, 2.0, 2.0, 1.0];
    let x = Array::new(DType::F64, &[3, 3], x.to_vec()).ok_or("as many elements")?;
    let axis = || vec![Attribute::Axes(vec![Axis::At(1)])];
    let found = run(std::slice::from_ref(&x), |b, v| b.op(ops::MAX, v, axis()))?;
    assert_same("max", &found[0].data, &[NAN, NAN, 2.0]);
    assert_same(
        "max",
        &found[1].data,
        &[NAN, NAN, NAN, NAN, NAN, NAN, 0.5, 0.5, 0.0],
    );
    let found = run(&[x], |b, v| b.op(ops::MIN, v, axis()))?;
    assert_same("min", &found[0].data, &[NAN, NAN, 1.0]);
    let gradient: Vec<f64> = found[1].data.iter().map(|g| g.abs()).collect();
    assert_same(
        "min",
        &gradient,
        &[NAN, NAN, NAN, NAN, NAN, NAN, 0.0, 0.0, 1.0],
    );
    Ok(())
}

#[test]
fn a_logit_that_meets_its_target_keeps_its_loss_in_f32() -> Outcome {
    // Folded in f32: a loss of 2e-9 beside two terms of 20.
    let f = function(&[], |b, _| {
        let scalar = sinew_ir::Shape::scalar;
        let x = b.constant(20.0, DType::F32, scalar())?;
        let t = b.constant(1.0, DType::F32, scalar())?;
        compose::binary_cross_entropy_with_logits(b, x, t)
    })?;
    let program = link(unit(&f), &binding(DType::F32))?;
    assert!(
        program.to_string().contains("const"),
        "it folds:\n{program}"
    );
    assert_eq!(program.body.insts.len(), 1, "it folds:\n{program}");
    let found = interpret(&program, &[])?[0].data[0];
    assert!((found / 2.0611537e-9 - 1.0).abs() < 1e-6, "{found}");
    Ok(())
}

#[test]
fn the_binary_cross_entropy_has_the_slope_of_a_sigmoid_everywhere() -> Outcome {
    let x = floats(&[-30.0, -1.0, 0.0, 1.0, 30.0, INF]);
    let t = floats(&[1.0, 0.25, 0.5, 0.0, 1.0, 0.0]);
    let found = run(&[x, t], |b, v| {
        compose::binary_cross_entropy_with_logits(b, v[0], v[1])
    })?;
    let expected = [
        30.000000000000092,
        0.5632616875182228,
        std::f64::consts::LN_2,
        1.3132616875182228,
        9.357622968839737e-14,
        INF,
    ];
    assert_eq!(
        difference(&found[0], &floats(&expected), 1e-12, 1e-26),
        None
    );
    let slope = [
        -0.9999999999999064,
        0.0189414213699951,
        0.0,
        0.7310585786300049,
        -9.348077867343818e-14,
        1.0,
    ];
    assert_eq!(difference(&found[1], &floats(&slope), 1e-12, 1e-15), None);
    Ok(())
}

#[test]
fn a_label_that_is_clamped_is_clamped_in_the_gradient_too() -> Outcome {
    let x: Vec<f64> = (0..12).map(|i| f64::from(i * 7 % 5)).collect();
    let x = Array::new(DType::F64, &[4, 3], x).ok_or("as many elements")?;
    let loss = |labels: &[f64]| {
        run(&[x.clone(), row(DType::I32, labels)], |b, v| {
            let labels = Labels {
                of_rows: v[1],
                axis: Axis::At(1),
                ignore_index: -100,
                weight: None,
                reduce: Reduce::Sum,
            };
            compose::cross_entropy(b, v[0], &labels, &0.1.into())
        })
    };
    let outside = loss(&[-5.0, 3.0, 1.0, -100.0])?;
    let inside = loss(&[0.0, 2.0, 1.0, -100.0])?;
    assert_eq!(outside, inside);
    let sums = outside[1].data.chunks(3).map(|r| r.iter().sum::<f64>());
    assert!(
        sums.into_iter().all(|s| s.abs() < 1e-15),
        "a share too much"
    );
    Ok(())
}

#[test]
fn integers_and_truths_are_numpys() -> Outcome {
    let i = |data: &[f64]| row(DType::I32, data);
    let t = |data: &[f64]| row(DType::Bool, data);
    let rem = run(
        &[
            i(&[7.0, -7.0, 7.0, -7.0, 6.0, -2147483648.0]),
            i(&[3.0, 3.0, -3.0, -3.0, 3.0, 7.0]),
        ],
        |b, v| b.op(ops::REM, v, vec![]),
    )?;
    assert_eq!(rem[0].data, [1.0, 2.0, -2.0, -1.0, 0.0, 5.0]);
    let truths = [t(&[0.0, 0.0, 1.0, 1.0]), t(&[0.0, 1.0, 0.0, 1.0])];
    let and = run(&truths, |b, v| b.op(ops::AND, v, vec![]))?;
    assert_eq!(and[0].data, [0.0, 0.0, 0.0, 1.0]);
    let or = run(&truths, |b, v| b.op(ops::OR, v, vec![]))?;
    assert_eq!(or[0].data, [0.0, 1.0, 1.0, 1.0]);
    let not = run(&truths, |b, v| b.op(ops::NOT, &v[..1], vec![]))?;
    assert_eq!(not[0].data, [1.0, 1.0, 0.0, 0.0]);
    let cast = |x: Array, to| run(&[x], |b, v| b.cast(v[0], to));
    let signed = i(&[-1.0, 2147483647.0, -2147483648.0, 0.0]);
    let unsigned = row(DType::U32, &[4294967295.0, 2147483647.0, 2147483648.0, 0.0]);
    assert_eq!(cast(signed.clone(), DType::U32)?[0], unsigned);
    assert_eq!(cast(unsigned, DType::I32)?[0], signed);
    assert_eq!(cast(signed, DType::Bool)?[0].data, [1.0, 1.0, 1.0, 0.0]);
    assert_eq!(cast(t(&[0.0, 1.0]), DType::U32)?[0].data, [0.0, 1.0]);
    let iota = run(&[], |b, _| {
        b.iota(
            DType::U32,
            sinew_ir::Shape::from_extents(&[2, 3]),
            Axis::At(1),
        )
    })?;
    assert_eq!(iota[0].data, [0.0, 1.0, 2.0, 0.0, 1.0, 2.0]);
    Ok(())
}

#[test]
fn slices_are_added_where_their_indices_say() -> Outcome {
    // np.add.at(base, (slice(None), index), updates), with an index that is there twice.
    let base = Array::new(DType::F64, &[2, 3], vec![1., 2., 3., 4., 5., 6.]);
    let index = Array::new(DType::I32, &[2, 2], vec![2.0, 0.0, 2.0, 1.0]);
    let updates: Vec<f64> = (1..=8).map(|i| f64::from(i) * 10.0).collect();
    let updates = Array::new(DType::F64, &[2, 2, 2], updates);
    let inputs = [base, index, updates].map(|a| a.expect("as many elements"));
    let found = run(&inputs, |b, v| {
        b.op(ops::INDEX_ADD, v, vec![Attribute::Axes(vec![Axis::At(1)])])
    })?;
    assert_eq!(found[0].data, [21.0, 42.0, 43.0, 64.0, 85.0, 126.0]);
    Ok(())
}

/// The values of what there is are PyTorch's, among those of the project's test data.
#[test]
fn more_than_all_elements_are_refused() {
    let x = floats(&[1.0, 5.0, -2.0, 5.0, 3.0]);
    let found = run(&[x], |b, v| {
        Ok(compose::topk(b, v[0], &Dim::constant(6), Axis::At(0))?[0])
    });
    let refused = found.expect_err("five elements").to_string();
    assert!(refused.contains("no 6 elements"), "{refused}");
}
