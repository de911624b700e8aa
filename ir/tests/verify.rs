//! The rules that no text can break, since reading it would fail: of functions that passes make.

use sinew_ir::{
    Attribute, Attributes, Function, Inst, OpInst, ParseError, PullbackCall, Symbol, SymbolDecl,
    SymbolKind, Value, parse, verify, verify_program,
};

fn function() -> Result<Function, ParseError> {
    parse(
        "fn @f<B>(%x: float[B], %y: float[B]) -> float[B] {
  %2 = add %x, %y
  %3 = sum %2 axes [0]
  %4 = call @g<B = B>(%2) -> float[B]
  return %4
}
pullback(%5: float[B]) {
  %6 = pullback %4(%5) of [0]
  return %x: %6
}",
    )
}

fn op(f: &mut Function, at: usize) -> &mut OpInst {
    match &mut f.body.insts[at] {
        Inst::Op(i) => i,
        Inst::Call(_) | Inst::PullbackCall(_) | Inst::Loop(_) => {
            panic!("instruction {at} is an op")
        }
    }
}

#[test]
fn broken_functions_are_told_apart() -> Result<(), ParseError> {
    type Break = fn(&mut Function);
    let sequence = |name: &str| SymbolDecl {
        symbol: Symbol::new(name),
        kind: SymbolKind::Sequence,
    };
    assert_eq!(verify(&function()?), Ok(()));
    let cases: [(Break, &str); 13] = [
        (
            |f| f.body.insts.swap(0, 1),
            "%2 is used before it is defined, or is not of this part",
        ),
        (
            |f| op(f, 1).operands[0] = Value(5),
            "%5 is used before it is defined, or is not of this part",
        ),
        (
            |f| op(f, 1).operands[0] = Value(99),
            "%99 is used before it is defined, or is not of this part",
        ),
        (|f| op(f, 1).result = Value(2), "%2 is defined twice"),
        (|f| op(f, 1).result = Value(99), "%99 is not defined"),
        (|f| f.values.push(f.values[0].clone()), "%7 is not defined"),
        (
            |f| op(f, 1).attributes = Attributes::none(),
            "%3: `sum` does not have these attributes",
        ),
        (
            |f| op(f, 1).attributes = Attributes(vec![Attribute::Number(0.0)]),
            "%3: `sum` does not have these attributes",
        ),
        (
            |f| op(f, 0).operands.truncate(1),
            "%2: `add` takes 2 operands, got 1",
        ),
        (
            |f| f.values[3] = f.values[0].clone(),
            "%3 is float[B], and must be float[]",
        ),
        (
            |f| f.params[1].name = "x".to_string(),
            "the parameter name `x` is taken, or a number",
        ),
        (
            |f| f.symbols.clear(),
            "`B` is not declared once, as what it is used as",
        ),
        (
            |f| {
                let call = PullbackCall {
                    call: Value(3),
                    cotangents: vec![],
                    results: vec![],
                };
                if let Some(p) = &mut f.pullback {
                    p.block.insts.push(Inst::PullbackCall(call));
                }
            },
            "%3 is not the first result of a call in the body",
        ),
    ];
    for (break_it, message) in cases {
        let mut f = function()?;
        break_it(&mut f);
        let error = verify(&f).map_err(|e| e.broken.to_string());
        assert_eq!(error, Err(message.to_string()));
    }
    let mut f = function()?;
    f.symbols.extend([sequence("S"), sequence("T")]);
    let error = verify(&f).map_err(|e| e.broken.to_string());
    let message = "`T` is a second sequence, and a function has one at most";
    assert_eq!(error, Err(message.to_string()));
    Ok(())
}

#[test]
fn what_a_program_has_no_more_is_named() -> Result<(), ParseError> {
    let cases = [
        ("fn @f<B>(%x: f32[3]) -> f32[3] {\n return %x\n}", "symbols"),
        (
            "fn @f(%x: float[3]) -> float[3] {\n return %x\n}",
            "working floats",
        ),
        (
            "fn @f(%x: f32[]) -> f32[] {\n %1 = call @g(%x) -> f32[]\n return %1\n}",
            "calls",
        ),
        (
            "fn @f(%x: f32[]) -> f32[] {\n return %x\n}\npullback(%1: f32[]) {\n return %x: %1\n}",
            "pullback",
        ),
        (
            "fn @f() -> f32[] {\n %0 = const value const EPS dtype f32 shape []\n return %0\n}",
            "consts without a number",
        ),
    ];
    for (text, what) in cases {
        let error = verify_program(&parse(text)?).map_err(|e| e.to_string());
        assert_eq!(error, Err(format!("in `f`: a program has no {what}")));
    }
    Ok(())
}
