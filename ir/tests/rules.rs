//! What the entries and the language's operations refuse, and in which words.

use sinew_ir::{
    Attribute, Axis, Builder, DType, Dim, OpError, Shape, Type, Unit, Value, compose, link, ops,
};

type Build = fn(&mut Builder, Value) -> Result<Value, OpError>;

/// What is told where `build` is refused an operand of the type.
fn refusal(ty: &Type, build: Build) -> String {
    let mut b = Builder::default();
    let x = b.value(ty.clone());
    match build(&mut b, x) {
        Ok(v) => format!("accepted as {}", b.type_of(v)),
        Err(e) => e.to_string(),
    }
}

fn constant(value: f64, dtype: DType) -> Result<Value, OpError> {
    Builder::default().constant(value, dtype, Shape::scalar())
}

#[test]
fn a_number_that_its_type_does_not_hold_is_refused() {
    let refused = [
        (3e9, DType::I32, "`3000000000` is no i32"),
        (-2147483649.0, DType::I32, "`-2147483649` is no i32"),
        (-1.0, DType::U32, "`-1` is no u32"),
        (4294967296.0, DType::U32, "`4294967296` is no u32"),
        (0.5, DType::I32, "`0.5` is no i32"),
        (f64::NAN, DType::I32, "`NaN` is no i32"),
        (f64::INFINITY, DType::U32, "`inf` is no u32"),
        (2.0, DType::Bool, "`2` is no bool"),
    ];
    for (value, dtype, message) in refused {
        let error = constant(value, dtype).expect_err(message);
        assert_eq!(error.to_string(), message);
    }
    let held = [
        (-2147483648.0, DType::I32),
        (2147483647.0, DType::I32),
        (4294967295.0, DType::U32),
        (-0.0, DType::U32),
        (1.0, DType::Bool),
        (f64::NAN, DType::F32),
        (1e300, DType::F64),
    ];
    for (value, dtype) in held {
        assert!(constant(value, dtype).is_ok(), "{value} is a {dtype}");
    }
}

#[test]
fn a_const_that_its_type_does_not_hold_is_refused_when_it_is_known() {
    static BIG: Unit = Unit {
        path: "big",
        file: "src/big.rs",
        text: "fn @big<const LIMIT: f64>() -> i32[] {\n  %0 = const value LIMIT dtype i32 shape [] at 3:5\n  return %0\n}",
        callees: &[],
        consts: &[("LIMIT", sinew_ir::SymbolValue::Float(3e9))],
    };
    let binding = sinew_ir::Binding::new(DType::F32);
    let error = link(&BIG, &binding).expect_err("three billions");
    assert_eq!(
        error.to_string(),
        "`const` in `big` at src/big.rs:3:5: `3000000000` is no i32"
    );
}

#[test]
fn a_dim_that_its_type_does_not_hold_is_refused() {
    let mut b = Builder::default();
    let big = Dim::constant(1 << 31);
    let error = b.extent(big.clone(), DType::I32, Shape::scalar());
    let message = error.map_err(|e| e.to_string());
    assert_eq!(message, Err("`2147483648` is no i32".to_string()));
    assert!(b.extent(big.clone(), DType::U32, Shape::scalar()).is_ok());
    // The last index is one less.
    let shape = Shape::new(vec![big]);
    assert!(b.iota(DType::I32, shape.clone(), Axis::At(0)).is_ok());
    let shape = Shape::new(vec![Dim::constant((1 << 31) + 1)]);
    assert!(b.iota(DType::I32, shape, Axis::At(0)).is_err());
}

#[test]
fn element_types_that_an_operation_has_no_meaning_for_are_refused() {
    let vector = |dtype| Type::from_extents(dtype, &[3]);
    let float = "operand 0 must be a float, and is i32";
    let cases: [(DType, Build, &str); 13] = [
        (DType::I32, |b, x| b.div(x, x), float),
        (
            DType::I32,
            |b, x| compose::leaky_relu(b, x, &2.0.into()),
            float,
        ),
        (DType::I32, |b, x| compose::elu(b, x, &1.0.into()), float),
        (DType::I32, |b, x| b.op(ops::SOFTPLUS, &[x], vec![]), float),
        (DType::I32, |b, x| compose::huber(b, x, &1.0.into()), float),
        (
            DType::I32,
            |b, x| compose::binary_cross_entropy_with_logits(b, x, x),
            float,
        ),
        (
            DType::I32,
            |b, x| compose::var(b, x, &[Axis::At(0)], &0.0.into(), false),
            float,
        ),
        (
            DType::I32,
            |b, x| compose::pow(b, x, 0.5),
            "`0.5` is no i32",
        ),
        (
            DType::I32,
            |b, x| {
                let one = || Dim::constant(1);
                compose::pad(b, x, &[(Axis::At(0), one(), one())], &0.5.into())
            },
            "`0.5` is no i32",
        ),
        (
            DType::F32,
            |b, x| compose::one_hot(b, x, Dim::constant(4), DType::F32),
            "operand 0 must be i32 or u32, and is f32",
        ),
        (
            DType::Bool,
            |b, x| compose::one_hot(b, x, Dim::constant(4), DType::F32),
            "operand 0 must be i32 or u32, and is bool",
        ),
        (
            DType::Bool,
            |b, _| b.iota(DType::Bool, Shape::from_extents(&[2]), Axis::At(0)),
            "operand 0 must be a float or an integer, and is bool",
        ),
        (
            DType::Bool,
            |b, x| compose::clamp(b, x, Some(x), Some(x)),
            "operand 0 must be a float or an integer, and is bool",
        ),
    ];
    for (dtype, build, message) in cases {
        assert_eq!(refusal(&vector(dtype), build), message);
    }
}

#[test]
fn classes_are_counted_by_either_integer() {
    for dtype in [DType::I32, DType::U32] {
        let made = refusal(&Type::from_extents(dtype, &[3]), |b, x| {
            compose::one_hot(b, x, Dim::constant(4), DType::F32)
        });
        assert_eq!(made, "accepted as f32[3, 4]");
    }
}

#[test]
fn an_axis_of_many_is_not_squeezed_among_no_elements() {
    let squeeze: Build = |b, x| compose::squeeze(b, x, &[Axis::At(0)]);
    assert_eq!(
        refusal(&Type::from_extents(DType::F32, &[5, 0]), squeeze),
        "the axis of `5` in (5, 0) cannot go: it is not 1"
    );
    assert_eq!(
        refusal(&Type::from_extents(DType::F32, &[1, 0]), squeeze),
        "accepted as f32[0]"
    );
}

#[test]
fn a_range_of_nothing_lies_in_its_axis_too() {
    let range = |start: i64, stop: i64, step: i64| {
        let mut b = Builder::default();
        let x = b.value(Type::from_extents(DType::F32, &[7]));
        let range = [start, stop, step].map(Dim::constant).to_vec();
        let attributes = vec![Attribute::Axes(vec![Axis::At(0)]), Attribute::Dims(range)];
        match b.op(ops::SLICE, &[x], attributes) {
            Ok(v) => b.type_of(v).to_string(),
            Err(e) => e.to_string(),
        }
    };
    assert_eq!(range(7, 7, 1), "f32[0]");
    assert_eq!(range(0, 0, 3), "f32[0]");
    let outside =
        |start: i64| format!("the range {start}..{start} step 1 does not fit an axis of 7");
    assert_eq!(range(8, 8, 1), outside(8));
    assert_eq!(range(-1, -1, 1), outside(-1));
    assert_eq!(
        range(5, 3, 1),
        "the range 5..3 step 1 does not fit an axis of 7"
    );
}

#[test]
fn zeros_around_nothing_leave_room_for_its_place() {
    // A step takes a gap off even where nothing stands: behind, or there is no place to take it from.
    let pad = |low: i64, high: i64, step: i64| {
        let mut b = Builder::default();
        let x = b.value(Type::from_extents(DType::F32, &[0]));
        let widths = [low, high, step].map(Dim::constant).to_vec();
        let attributes = vec![Attribute::Axes(vec![Axis::At(0)]), Attribute::Dims(widths)];
        match b.op(ops::PAD, &[x], attributes) {
            Ok(v) => b.type_of(v).to_string(),
            Err(e) => e.to_string(),
        }
    };
    assert_eq!(pad(1, 1, 2), "f32[1]");
    assert_eq!(pad(1, 0, 1), "f32[1]");
    assert_eq!(
        pad(1, 0, 2),
        "the range 1..0 step 2 does not fit an axis of 0"
    );
}
