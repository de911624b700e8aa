//! Pullbacks as text: what the pass derives, what it leaves out, what it refuses.

use sinew_ir::{CalleeInfo, derive_pullback, parse, verify};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// The pullback alone, of a function whose callee `f` has a gradient for its first parameter only.
fn pullback(text: &str) -> Result<String, Box<dyn std::error::Error>> {
    let mut f = parse(text)?;
    let callee = |name: &str| {
        (name == "f").then_some(CalleeInfo {
            depends: vec![vec![true, false], vec![false, false]],
            kept: Vec::new(),
        })
    };
    derive_pullback(&mut f, &callee)?;
    verify(&f)?;
    let text = f.to_string();
    let (_, pullback) = text.split_once("pullback").ok_or("no pullback")?;
    Ok(pullback.to_string())
}

#[test]
fn a_layer_reads_like_mathematics() -> Outcome {
    let found = pullback(
        "
fn @layer<[S], I, O>(%x: float[[S], I], %w: param float[I, O], %b: param float[O]) -> float[[S], O] {
  %3 = dot %x, %w contract_x [-1] contract_y [0]
  %4 = broadcast %b shape [[S], O] new [S]
  %5 = add %3, %4
  %6 = relu %5
  return %6
}",
    )?;
    assert_eq!(
        found,
        "(%7: float[[S], O]) {
  %8 = const value 0 dtype float shape [[S], O]
  %9 = le %6, %8
  %10 = select %9, %8, %7
  %11 = sum %10 axes [S]
  %12 = dot %10, %w contract_x [-1] contract_y [1]
  %13 = dot %x, %10 contract_x [S] contract_y [S]
  return %x: %12, %w: %13, %b: %11
}
"
    );
    Ok(())
}

#[test]
fn cotangents_that_meet_are_added() -> Outcome {
    let found = pullback(
        "
fn @twice<N>(%x: float[N]) -> float[N], float[N] {
  %1 = add %x, %x
  return %1, %x
}",
    )?;
    assert_eq!(
        found,
        "(%2: float[N], %3: float[N]) {
  %4 = add %3, %2
  %5 = add %4, %2
  return %x: %5
}
"
    );
    Ok(())
}

#[test]
fn what_no_gradient_needs_is_not_there() -> Outcome {
    // The labels have no gradient, and neither has what only a bool comes of.
    let found = pullback(
        "
fn @masked<N>(%x: float[N], %y: float[N], %i: i32[N]) -> float[N], bool[N] {
  %3 = lt %y, %x
  %4 = exp %y
  %5 = stop_gradient %4
  %6 = mul %x, %5
  return %6, %3
}",
    )?;
    assert_eq!(
        found,
        "(%7: float[N], _) {
  %8 = mul %7, %5
  return %x: %8
}
"
    );
    Ok(())
}

#[test]
fn a_call_is_differentiated_by_its_callee() -> Outcome {
    let found = pullback(
        "
fn @caller<N>(%x: float[N], %y: float[N]) -> float[N] {
  %2 = exp %x
  %3, %4 = call @f<N = N>(%2, %y) -> float[N], i32[]
  %5 = neg %3
  return %5
}",
    )?;
    assert_eq!(
        found,
        "(%6: float[N]) {
  %7 = neg %6
  %8 = pullback %3(%7, _) of [0]
  %9 = mul %8, %2
  return %x: %9
}
"
    );
    Ok(())
}

#[test]
fn an_unknown_callee_is_named() -> Outcome {
    let mut f = parse(
        "
fn @caller<N>(%x: float[N]) -> float[N] {
  %1 = call @g<N = N>(%x) -> float[N]
  return %1
}",
    )?;
    let error = derive_pullback(&mut f, &|_| None).expect_err("nothing is known of `g`");
    assert_eq!(
        error.to_string(),
        "`g` is not known, so it has no derivative"
    );
    assert!(f.pullback.is_none());
    Ok(())
}

#[test]
fn a_parameter_that_is_a_result_has_its_cotangent() -> Outcome {
    let found = pullback("fn @id<N>(%x: float[N]) -> float[N] {\n  return %x\n}")?;
    assert_eq!(found, "(%1: float[N]) {\n  return %x: %1\n}\n");
    Ok(())
}

#[test]
fn an_op_without_a_derivative_is_told_with_its_place_and_reason() -> Outcome {
    use sinew_ir::{Block, Builder, Function, Inst, Location, Param, ParamKind, Type, ops};
    let mut b = Builder::default();
    let x = b.value(Type::from_extents(sinew_ir::DType::F32, &[3]));
    b.location = Some(Location::new(7, 21));
    let y = b.op(ops::STEPS, &[x], Vec::new())?;
    let stopped = b.op(ops::STOP_GRADIENT, &[x], Vec::new())?;
    let constant = b.op(ops::STEPS, &[stopped], Vec::new())?;
    let param = Param {
        name: "x".to_string(),
        kind: ParamKind::Input,
    };
    let mut f = Function {
        name: "f".to_string(),
        params: vec![param],
        values: b.values,
        body: Block::body(1, b.insts, vec![y]),
        ..Function::default()
    };
    let error = derive_pullback(&mut f, &|_| None).expect_err("it jumps");
    assert_eq!(error.to_string(), "`steps` has no derivative: it jumps");
    assert_eq!(error.location, Some(Location::new(7, 21)));
    // Of what no gradient flows to, none is asked for.
    f.body.results = vec![constant];
    derive_pullback(&mut f, &|_| None)?;
    assert!(f.pullback.is_some_and(|p| p.gradients.is_empty()));
    assert!(f.body.insts.iter().all(|i| matches!(i, Inst::Op(_))));
    Ok(())
}
