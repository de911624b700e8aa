//! What the interpreter means by the ops' edges, and what it says of values that are no numbers.

use sinew_ir::{
    Array, Attribute, Axis, Block, Builder, DType, Function, IndexBound, InterpretError, Location,
    Op, Param, ParamKind, Type, Value, compose, first_non_finite, index_bounds, interpret, ops,
    parse,
};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn array(dtype: DType, shape: &[usize], data: &[f64]) -> Array {
    Array::new(dtype, shape, data.to_vec()).expect("as many elements")
}

fn function(
    types: &[Type],
    build: impl FnOnce(&mut Builder, &[Value]) -> Result<Value, sinew_ir::OpError>,
) -> Result<Function, sinew_ir::OpError> {
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

fn apply(op: Op, operands: &[Array], attributes: Vec<Attribute>) -> Result<Array, InterpretError> {
    let types: Vec<Type> = operands.iter().map(Array::type_of).collect();
    let f = function(&types, |b, x| b.op(op, x, attributes)).expect("an op that fits");
    Ok(interpret(&f, operands)?.remove(0))
}

#[test]
fn integers_wrap_and_have_remainders() -> Outcome {
    let i = |data: &[f64]| array(DType::I32, &[data.len()], data);
    let x = i(&[2147483647.0, -7.0, 7.0, 5.0]);
    let y = i(&[1.0, 2.0, -2.0, 0.0]);
    let both = [x, y];
    assert_eq!(
        apply(ops::ADD, &both, vec![])?.data,
        [-2147483648.0, -5.0, 5.0, 5.0]
    );
    assert_eq!(apply(ops::REM, &both, vec![])?.data, [0.0, 1.0, -1.0, 0.0]);
    let big = i(&[65537.0, -2147483648.0]);
    let square = apply(ops::MUL, &[big.clone(), big.clone()], vec![])?;
    assert_eq!(square.data, [131073.0, 0.0]);
    let u = array(DType::U32, &[2], &[0.0, 4294967295.0]);
    let one = array(DType::U32, &[2], &[1.0, 1.0]);
    assert_eq!(
        apply(ops::SUB, &[u, one], vec![])?.data,
        [4294967295.0, 4294967294.0]
    );
    Ok(())
}

#[test]
fn casts_truncate_and_saturate() -> Outcome {
    let x = array(
        DType::F64,
        &[5],
        &[-1.7, 2.9, 1e20, f64::NAN, f64::NEG_INFINITY],
    );
    let cast = |to| {
        apply(
            ops::CAST,
            std::slice::from_ref(&x),
            vec![Attribute::DType(to)],
        )
    };
    assert_eq!(
        cast(DType::I32)?.data,
        [-1.0, 2.0, 2147483647.0, 0.0, -2147483648.0]
    );
    assert_eq!(cast(DType::U32)?.data, [0.0, 2.0, 4294967295.0, 0.0, 0.0]);
    assert_eq!(cast(DType::Bool)?.data, [1.0; 5]);
    Ok(())
}

#[test]
fn nan_wins_extremes_and_the_first_extreme_wins() -> Outcome {
    let row = |data: &[f64]| array(DType::F64, &[data.len()], data);
    let axis = || vec![Attribute::Axes(vec![Axis::At(0)])];
    let some = [row(&[1.0, f64::NAN, 3.0, f64::NAN])];
    assert!(apply(ops::MAX, &some, axis())?.data[0].is_nan());
    assert_eq!(apply(ops::ARGMAX, &some, axis())?.data, [1.0]);
    let ties = [row(&[1.0, 4.0, 4.0])];
    assert_eq!(apply(ops::ARGMAX, &ties, axis())?.data, [1.0]);
    let none = [row(&[])];
    assert_eq!(apply(ops::MAX, &none, axis())?.data, [f64::NEG_INFINITY]);
    assert_eq!(apply(ops::SUM, &none, axis())?.data, [0.0]);
    assert_eq!(apply(ops::ARGMAX, &none, axis())?.data, [0.0]);
    Ok(())
}

#[test]
fn the_least_integer_has_no_opposite_and_is_still_the_minimum() -> Outcome {
    let x = array(DType::I32, &[3], &[5.0, -2147483648.0, 2147483647.0]);
    let f = function(&[x.type_of()], |b, v| compose::argmin(b, v[0], None, false))?;
    assert_eq!(interpret(&f, std::slice::from_ref(&x))?[0].data, [1.0]);
    let axis = vec![Attribute::Axes(vec![Axis::At(0)])];
    assert_eq!(apply(ops::MIN, &[x], axis)?.data, [-2147483648.0]);
    let u = array(DType::U32, &[3], &[5.0, 0.0, 4294967295.0]);
    let f = function(&[u.type_of()], |b, v| compose::argmin(b, v[0], None, false))?;
    assert_eq!(interpret(&f, &[u])?[0].data, [1.0]);
    Ok(())
}

#[test]
fn indices_outside_are_clamped() -> Outcome {
    let axis = || vec![Attribute::Axes(vec![Axis::At(0)])];
    let x = array(DType::F64, &[3], &[10.0, 20.0, 30.0]);
    let i = array(DType::I32, &[4], &[-5.0, 1.0, 3.0, 100.0]);
    let taken = apply(ops::TAKE_ALONG_AXIS, &[x.clone(), i.clone()], axis())?;
    assert_eq!(taken.data, [10.0, 20.0, 30.0, 30.0]);
    let ones = array(DType::F64, &[4], &[1.0; 4]);
    let added = apply(ops::SCATTER_ADD, &[x, i, ones], axis())?;
    assert_eq!(added.data, [11.0, 21.0, 32.0]);
    Ok(())
}

#[test]
fn the_first_instruction_that_makes_a_nan_is_named() -> Outcome {
    let f = parse(
        "
fn @f(%x: f64[2]) -> f64[2] {
  %1 = const value inf dtype f64 shape [2] at 3:1
  %2 = neg %x at 4:1
  %3 = log %2 at 5:9
  %4 = add %3, %1 at 6:1
  return %4
}",
    )?;
    let fine = first_non_finite(&f, &[array(DType::F64, &[2], &[-1.0, -2.0])])?;
    assert_eq!(fine, None);
    let found = first_non_finite(&f, &[array(DType::F64, &[2], &[-1.0, 2.0])])?;
    let found = found.ok_or("log of a negative number")?;
    assert_eq!((found.op, found.value, found.index), ("log", Value(3), 2));
    assert_eq!(found.location, Some(Location::new(5, 9)));
    Ok(())
}

/// A difference that f32 has no digits for, and a number that only f64 has.
#[test]
fn what_is_not_finite_in_f32_only_is_found() -> Outcome {
    let text = "
fn @f(%x: DTYPE[1]) -> DTYPE[1] {
  %1 = const value 1 dtype DTYPE shape [1]
  %2 = add %x, %1
  %3 = sub %2, %1
  %4 = div %1, %3
  return %4
}";
    let small = |dtype| array(dtype, &[1], &[1e-9]);
    let narrow = parse(&text.replace("DTYPE", "f32"))?;
    let found = first_non_finite(&narrow, &[small(DType::F32)])?.ok_or("a division by 0")?;
    assert_eq!((found.op, found.value), ("div", Value(4)));
    let wide = parse(&text.replace("DTYPE", "f64"))?;
    assert_eq!(first_non_finite(&wide, &[small(DType::F64)])?, None);

    let log = parse("fn @f(%x: f32[1]) -> f32[1] {\n  %1 = log %x\n  return %1\n}")?;
    let tiny = array(DType::F32, &[1], &[1e-40]);
    let found = first_non_finite(&log, std::slice::from_ref(&tiny))?.ok_or("the log of 0")?;
    assert_eq!(found.op, "log");
    // The meaning of the program is another one: that of f64.
    assert!(interpret(&log, &[tiny])?[0].data[0].is_finite());
    Ok(())
}

#[test]
fn a_row_that_is_masked_whole_is_where_its_nan_came_from() -> Outcome {
    // The mask's infinities are meant, and `-inf - -inf` is not.
    let f = parse(
        "
fn @f(%x: f64[2, 2], %keep: bool[2, 2]) -> f64[2, 2] {
  %2 = const value -inf dtype f64 shape [2, 2] at 3:1
  %3 = select %keep, %x, %2 at 4:1
  %4 = softmax %3 axis [1] at 5:9
  %5 = neg %4 at 6:1
  return %5
}",
    )?;
    let x = array(DType::F64, &[2, 2], &[1.0, 2.0, 3.0, 4.0]);
    let mask = |data: &[f64]| array(DType::Bool, &[2, 2], data);
    let half = [x.clone(), mask(&[1.0, 0.0, 0.0, 1.0])];
    assert_eq!(first_non_finite(&f, &half)?, None);
    let found = first_non_finite(&f, &[x, mask(&[1.0, 0.0, 0.0, 0.0])])?;
    let found = found.ok_or("a row of nothing")?;
    assert_eq!((found.op, found.value), ("softmax", Value(4)));
    Ok(())
}

#[test]
fn inputs_that_do_not_fit_are_named() -> Outcome {
    let f = parse("fn @f(%x: f64[2]) -> f64[2] {\n  return %x\n}")?;
    let error = interpret(&f, &[]).expect_err("an input is missing");
    assert_eq!(error.to_string(), "takes 1 inputs, got 0");
    let error =
        interpret(&f, &[array(DType::F64, &[3], &[0.0; 3])]).expect_err("three are not two");
    assert_eq!(error.to_string(), "input `x` is f64[3], and must be f64[2]");
    Ok(())
}

#[test]
fn labels_are_bounded_by_the_classes_and_tokens_by_the_table() -> Outcome {
    // As the linker leaves a cross entropy over an embedding, its indices seen through views.
    let f = parse(
        "
fn @f(%table: f64[7, 5], %tokens: i32[2, 3], %y: i32[6], %other: i32[6]) -> f64[6, 1] {
  %4 = reshape %tokens shape [6]
  %5 = broadcast %4 shape [6, 5] new [1]
  %6 = take_along_axis %table, %5 axis [0]
  %7 = const value -100 dtype i32 shape [6]
  %8 = eq %y, %7
  %9 = const value 0 dtype i32 shape [6]
  %10 = select %8, %9, %y
  %11 = reshape %10 shape [6, 1]
  %12 = take_along_axis %6, %11 axis [1]
  %13 = add %other, %9
  %14 = reshape %13 shape [6, 1]
  %15 = take_along_axis %12, %14 axis [0]
  return %15
}",
    )?;
    let bound = |param, least, extent, allowed: &[i64]| IndexBound {
        param,
        least,
        extent,
        allowed: allowed.to_vec(),
    };
    assert_eq!(
        index_bounds(&f),
        [
            bound(1, 0, 7, &[]),
            bound(2, 0, 5, &[-100]),
            bound(3, 0, 6, &[])
        ]
    );
    Ok(())
}

#[test]
fn indices_are_bounded_through_casts_constants_and_ignored_values() -> Outcome {
    let f = parse(
        "
fn @f(%x: f32[7], %from_one: i32[3], %wide: u32[3], %masked: i32[3], %computed: i32[3]) -> f32[3], f32[3], f32[3], f32[3] {
  %5 = const value 1 dtype i32 shape [3]
  %6 = sub %from_one, %5
  %7 = take_along_axis %x, %6 axis [0]
  %8 = cast %wide dtype i32
  %9 = const value -2 dtype i32 shape [3]
  %10 = add %9, %8
  %11 = take_along_axis %x, %10 axis [0]
  %12 = const value -100 dtype i32 shape [3]
  %13 = ne %masked, %12
  %14 = select %13, %masked, %5
  %15 = const value 99 dtype i32 shape [3]
  %16 = eq %15, %14
  %17 = select %16, %5, %14
  %18 = take_along_axis %x, %17 axis [0]
  %19 = mul %computed, %5
  %20 = take_along_axis %x, %19 axis [0]
  return %7, %11, %18, %20
}",
    )?;
    let bound = |param, least, allowed: &[i64]| IndexBound {
        param,
        least,
        extent: 7,
        allowed: allowed.to_vec(),
    };
    assert_eq!(
        index_bounds(&f),
        [bound(1, 1, &[]), bound(2, 2, &[]), bound(3, 0, &[-100, 99])]
    );
    Ok(())
}

#[test]
fn an_ignored_value_is_counted_where_it_was_compared() -> Outcome {
    // Labels from 1 on, of which 0 is ignored once they are counted from 0: it is -1 there.
    let f = parse(
        "
fn @f(%x: f32[7], %y: i32[3]) -> f32[3] {
  %2 = const value 1 dtype i32 shape [3]
  %3 = sub %y, %2
  %4 = const value -1 dtype i32 shape [3]
  %5 = eq %3, %4
  %6 = select %5, %2, %3
  %7 = take_along_axis %x, %6 axis [0]
  return %7
}",
    )?;
    let expected = IndexBound {
        param: 1,
        least: 1,
        extent: 7,
        allowed: vec![0],
    };
    assert_eq!(index_bounds(&f), [expected]);
    Ok(())
}

/// Each value is looked at once, not once a path to it.
#[test]
fn bounds_of_an_index_that_is_doubled_many_times_are_found_at_once() -> Outcome {
    let mut text = String::from("fn @f(%x: f32[7], %i: i32[1]) -> f32[1] {\n");
    let mut last = "%i".to_string();
    for k in 0..40 {
        text += &format!("  %{} = concat {last}, {last} axis [0]\n", 2 * k + 2);
        text += &format!(
            "  %{} = slice %{} axis [0] range [0, 1, 1]\n",
            2 * k + 3,
            2 * k + 2
        );
        last = format!("%{}", 2 * k + 3);
    }
    text += &format!("  %90 = take_along_axis %x, {last} axis [0]\n  return %90\n}}");
    let bound = IndexBound {
        param: 1,
        least: 0,
        extent: 7,
        allowed: vec![],
    };
    assert_eq!(index_bounds(&parse(&text)?), [bound]);
    Ok(())
}

/// Slices of tokens are tokens; an index that moves in each iteration is made in too many ways.
#[test]
fn indices_are_bounded_through_loops() -> Outcome {
    let f = parse(
        "
fn @f(%x: f32[7], %tokens: i32[3, 2], %first: i32[2]) -> f32[3, 2], f32[3, 2] {
  %3 = const value 1 dtype i32 shape [2]
  %10, %11, %12 = loop 3 (%4, %5 = %first, %6 = slice %tokens) {
    %7 = take_along_axis %x, %6 axis [0]
    %8 = take_along_axis %x, %5 axis [0]
    %9 = add %5, %3
    return %9, stack %7, stack %8
  }
  return %11, %12
}",
    )?;
    let bound = IndexBound {
        param: 1,
        least: 0,
        extent: 7,
        allowed: vec![],
    };
    assert_eq!(index_bounds(&f), [bound]);
    Ok(())
}

/// Sums of halves, and functions over ops, are rounded at their end alone.
#[test]
fn halves_are_rounded_by_the_op_that_gives_them() -> Outcome {
    let half = |data: &[f64]| array(DType::F16, &[data.len()], data);
    let sum = |x: Array| apply(ops::SUM, &[x], vec![Attribute::Axes(vec![Axis::At(0)])]);
    assert_eq!(sum(half(&[1.0; 4097]))?.data, [4096.0]);
    assert_eq!(sum(half(&[65504.0, 65504.0, -65504.0]))?.data, [65504.0]);
    assert_eq!(sum(half(&[65504.0, 65504.0]))?.data, [f64::INFINITY]);
    let mean = vec![Attribute::Axes(vec![Axis::At(0)])];
    assert_eq!(
        apply(ops::MEAN, &[half(&[60000.0; 9])], mean)?.data,
        [60000.0]
    );
    let product = apply(
        ops::MUL,
        &[half(&[1.0009765625; 2]), half(&[1.0009765625, 3.0])],
        vec![],
    )?;
    // 1 + 2^-9 + 2^-20, and 3 + 3 * 2^-10, a tie.
    assert_eq!(product.data, [1.001953125, 3.00390625]);
    let cast = vec![Attribute::DType(DType::Bf16)];
    let x = array(DType::I32, &[3], &[257.0, 259.0, -5.0]);
    assert_eq!(apply(ops::CAST, &[x], cast)?.data, [256.0, 260.0, -5.0]);
    Ok(())
}

/// Subnormal numbers of f16 are numbers of f32; those of bfloat16 count as zeros, as f32's do.
#[test]
fn halves_that_are_not_finite_are_found() -> Outcome {
    let f = parse(
        "fn @f(%x: f16[2], %y: bf16[2]) -> f16[2], bf16[2] {
  %2 = const value 1 dtype f16 shape [2]
  %3 = div %2, %x
  %4 = const value 1 dtype bf16 shape [2]
  %5 = div %4, %y
  return %3, %5
}",
    )?;
    let x = array(DType::F16, &[2], &[1.0, 2f64.powi(-14)]);
    let y = array(DType::Bf16, &[2], &[1.0, 2f64.powi(-130)]);
    let found = first_non_finite(&f, &[x, y])?.expect("1 / 0");
    assert_eq!((found.op, found.index), ("div", 3));
    Ok(())
}
