//! The rules that no text can break, since reading it would fail: of functions that passes make.

use sinew_ir::{
    Attribute, Attributes, Call, CallMode, Dim, Function, Inst, Loop, LoopMode, LoopParam,
    LoopResult, OpInst, ParseError, PullbackCall, Stage, Symbol, SymbolDecl, SymbolKind, Value,
    parse, verify, verify_program, verify_stage,
};
use std::ops::Range;

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

fn call(f: &mut Function) -> &mut Call {
    match &mut f.body.insts[2] {
        Inst::Call(call) => call,
        Inst::Op(_) | Inst::PullbackCall(_) | Inst::Loop(_) => panic!("a call is behind the sum"),
    }
}

fn pullback_call(f: &mut Function) -> &mut PullbackCall {
    match f.pullback.as_mut().map(|p| &mut p.block.insts[0]) {
        Some(Inst::PullbackCall(call)) => call,
        _ => panic!("its pullback begins with one of a call"),
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
    let cases: [(Break, &str); 21] = [
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
            |f| op(f, 1).attributes = Attributes(vec![Attribute::Number(0.0.into())]),
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
            |f| f.params[1].name = "7".to_string(),
            "the parameter name `7` is taken, or a number",
        ),
        (|f| f.symbols.clear(), "`B` is not declared as a symbol"),
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
        (
            |f| f.body.results[0] = Value(99),
            "%99 is used before it is defined, or is not of this part",
        ),
        (
            // Its pullback would ask for the operand too.
            |f| {
                f.pullback = None;
                call(f).operands[0] = Value(99);
            },
            "%99 is used before it is defined, or is not of this part",
        ),
        (|f| f.values.truncate(1), "the parameter `y` has no type"),
        (
            |f| pullback_call(f).cotangents[0] = Some(Value(99)),
            "%99 is used before it is defined, or is not of this part",
        ),
        (
            |f| pullback_call(f).results[0].0 = 9,
            "operands: 1 instead of 10",
        ),
        (
            // In the body, in front of the call.
            |f| {
                let early = Inst::PullbackCall(pullback_call(f).clone());
                f.body.insts.insert(2, early);
            },
            "%4 is used before it is defined, or is not of this part",
        ),
        (
            // All that the pullback begins with is of the result's type.
            |f| f.values[5] = f.values[3].clone(),
            "%5 is float[], and must be float[B]",
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
            "fn @f<const EPS: f64>() -> f32[] {\n %0 = const value EPS dtype f32 shape []\n return %0\n}",
            "symbols",
        ),
    ];
    for (text, what) in cases {
        let error = verify_program(&parse(text)?).map_err(|e| e.to_string());
        assert_eq!(error, Err(format!("in `f`: a program has no {what}")));
    }
    Ok(())
}

/// Breaks a function, and what is said of it.
type Case<'m> = (fn(&mut Function), &'m str);

fn told(function: &Function, cases: &[Case<'_>]) {
    assert_eq!(verify(function), Ok(()));
    for (break_it, message) in cases {
        let mut f = function.clone();
        break_it(&mut f);
        let error = verify(&f).map_err(|e| e.broken.to_string());
        assert_eq!(error, Err((*message).to_string()), "{f}");
    }
}

#[test]
fn a_pullback_is_of_what_is_there_in_order() -> Result<(), ParseError> {
    let f = parse(
        "fn @f(%x: float[], %y: float[]) -> float[], float[] {
  return %x, %y
}
pullback(%2: float[], %3: float[]) {
  return %x: %2, %y: %3
}",
    )?;
    told(
        &f,
        &[
            (
                |f| f.body.params.swap(0, 1),
                "parameter 0 is not the value and the body's parameter of its position",
            ),
            (
                |f| f.body.params.truncate(1),
                "parameters of the body: 1 instead of 2",
            ),
            (
                |f| f.pullback.iter_mut().for_each(|p| p.cotangents[1] = 2),
                "cotangents of what is not there, or out of order",
            ),
            (
                |f| f.pullback.iter_mut().for_each(|p| p.gradients.swap(0, 1)),
                "gradients of what is not there, or out of order",
            ),
            (
                |f| f.pullback.iter_mut().for_each(|p| p.gradients.truncate(1)),
                "gradients: 2 instead of 1",
            ),
        ],
    );
    Ok(())
}

fn iterated(f: &mut Function) -> &mut Loop {
    match &mut f.body.insts[0] {
        Inst::Loop(l) => l,
        Inst::Op(_) | Inst::Call(_) | Inst::PullbackCall(_) => panic!("it starts with a loop"),
    }
}

#[test]
fn loops_that_do_not_fit_are_told_apart() -> Result<(), ParseError> {
    let f = parse(
        "fn @f<B, T>(%h: float[B], %xs: float[T, B], %n: i32[]) -> float[B], float[T, B] {
  %7, %8 = loop T (%3, %4 = %h, %5 = slice %xs) {
    %6 = add %4, %5
    return %6, stack %6
  }
  %9 = neg %7
  return %9, %8
}",
    )?;
    told(
        &f,
        &[
            (
                |f| iterated(f).trip = Dim::constant(3),
                "%1 does not hold 3 iterations along axis 0",
            ),
            (
                |f| iterated(f).sliced[0].axis = 1,
                "%1 does not hold T iterations along axis 1",
            ),
            (
                |f| iterated(f).sliced[0].axis = 7,
                "%1 does not hold T iterations along axis 7",
            ),
            (
                |f| iterated(f).stacked[0] = 1,
                "%8 does not hold T iterations along axis 1",
            ),
            (
                |f| iterated(f).stacked.clear(),
                "results of a loop's body: 2 instead of 1",
            ),
            (
                |f| {
                    let l = iterated(f);
                    l.results.truncate(1);
                },
                "results of a loop: 1 instead of 2",
            ),
            (
                |f| iterated(f).carried.clear(),
                "parameters of a loop's body: 3 instead of 2",
            ),
            (
                |f| iterated(f).carried[0] = Value(2),
                "%4 is float[B], and must be i32[]",
            ),
            (
                |f| f.values[3] = f.values[0].clone(),
                "%3 is float[B], and must be i32[]",
            ),
            (
                |f| iterated(f).body.results[0] = Value(3),
                "%3 is i32[], and must be float[B]",
            ),
            (
                |f| iterated(f).body.results[1] = Value(3),
                "%3 is i32[], and must be float[B]",
            ),
            (
                |f| f.values[7] = f.values[2].clone(),
                "%7 is i32[], and must be float[B]",
            ),
            (
                |f| op(f, 1).operands[0] = Value(6),
                "%6 is used before it is defined, or is not of this part",
            ),
            (
                |f| iterated(f).sliced[0].value = Value(9),
                "%9 is used before it is defined, or is not of this part",
            ),
            (
                |f| iterated(f).carried[0] = Value(6),
                "%6 is used before it is defined, or is not of this part",
            ),
            (
                |f| iterated(f).body.params[2] = Value(4),
                "%4 is defined twice",
            ),
            (
                |f| {
                    let call = Call::plain(
                        sinew_ir::Target {
                            maps: Vec::new(),
                            name: "g".to_string(),
                            symbols: Vec::new(),
                            sequence: None,
                        },
                        Vec::new(),
                        Vec::new(),
                        None,
                    );
                    iterated(f).body.insts.push(Inst::Call(call));
                },
                "a call stands in the body of a loop",
            ),
            (
                |f| iterated(f).trip = Dim::from(Symbol::new("N")),
                "`N` is not declared as a symbol",
            ),
        ],
    );
    Ok(())
}

fn mode(f: &mut Function) -> (&mut LoopMode, &mut Vec<Value>) {
    match &mut f.body.insts[0] {
        Inst::Call(Call {
            mode: CallMode::Loop(l),
            operands,
            ..
        }) => (l, operands),
        _ => panic!("it starts with a call of a loop"),
    }
}

#[test]
fn calls_of_loops_that_do_not_fit_are_told_apart() -> Result<(), ParseError> {
    let f = parse(
        "fn @f<B, T>(%h: float[B], %xs: float[T, B], %n: i32[]) -> float[B], float[T, B] {
  %3, %4 = call @g<B = B> loop T (index, carried %h, %n, sliced %xs) -> carried float[B], stacked float[T, B]
  return %3, %4
}",
    )?;
    told(
        &f,
        &[
            (
                |f| mode(f).0.trip = Dim::constant(3),
                "%1 does not hold 3 iterations along axis 0",
            ),
            (
                |f| mode(f).0.params[3] = LoopParam::Sliced { axis: 1 },
                "%1 does not hold T iterations along axis 1",
            ),
            (
                |f| mode(f).0.results[1] = LoopResult::Stacked { axis: 2 },
                "%4 does not hold T iterations along axis 2",
            ),
            (
                |f| mode(f).0.params[2] = LoopParam::Carried,
                "carried results of a loop: 1 instead of 2",
            ),
            (
                |f| {
                    mode(f).0.params[2] = LoopParam::Carried;
                    mode(f).0.results[1] = LoopResult::Carried;
                },
                "%4 is float[T, B], and must be i32[]",
            ),
            (
                |f| mode(f).0.params[0] = LoopParam::Invariant,
                "operands of a loop: 3 instead of 4",
            ),
            (
                |f| mode(f).0.results.truncate(1),
                "results of a loop: 2 instead of 1",
            ),
        ],
    );
    Ok(())
}

#[test]
fn what_a_stage_has_not_is_named() -> Result<(), ParseError> {
    let iterated = "fn @f(%x: f32[]) -> f32[] {
  %3 = loop 3 (%1, %2 = %x) {
    return %2
  }
  return %3
}";
    let nested = "fn @f(%x: f32[]) -> f32[] {
  %4 = loop 3 (%1, %2 = %x) {
    %3 = relu %2
    return %3
  }
  return %4
}";
    let given = "fn @f(%x: f32[]) -> bool[] {\n  %1 = training\n  return %1\n}";
    let keyed = "fn @f(%k: key u32[2]) -> u32[2] {\n  return %k\n}";
    let halves = "fn @f(%x: f16[]) -> f16[] {\n  %1 = neg %x\n  return %1\n}";
    let moved = "fn @f(%x: f16[2], %m: bool[2]) -> f16[2], f32[2] {
  %1 = flip %x axis [0]
  %2 = select %m, %1, %x
  %3 = cast %x dtype f32
  return %2, %3
}";
    let called = "fn @f(%x: f32[]) -> f32[] {\n  %1 = call @g(%x) -> f32[]\n  return %1\n}";
    let cases = [
        (iterated, Stage::Unit, Some("a unit has no loops but calls")),
        (iterated, Stage::Inlined, None),
        (iterated, Stage::Program, None),
        (called, Stage::Unit, None),
        (
            called,
            Stage::Inlined,
            Some("a function whose calls are inlined has no calls"),
        ),
        (nested, Stage::Bound, None),
        (
            nested,
            Stage::Program,
            Some("a program has no functions over ops"),
        ),
        (halves, Stage::Bound, None),
        (
            halves,
            Stage::Program,
            Some("a program has no arithmetic of halves"),
        ),
        (moved, Stage::Program, None),
        (given, Stage::Unit, None),
        (given, Stage::Inlined, None),
        (
            given,
            Stage::Bound,
            Some("a program has no values that the run gives"),
        ),
        (keyed, Stage::Unit, Some("a unit has no key of the run")),
        (keyed, Stage::Program, None),
    ];
    for (text, stage, expected) in cases {
        let error = verify_stage(&parse(text)?, stage).map_err(|e| e.broken.to_string());
        assert_eq!(error.err().as_deref(), expected, "{stage:?} of\n{text}");
    }
    Ok(())
}

fn structs() -> Result<Function, ParseError> {
    parse(
        "fn @f<B>(%m: Net { norm: Norm { mean: state float[B], by: param float[B] }, w: param float[B] }, %x: float[B]) -> float[B] {
  %4, %5 = call @g<B = B>(%m.norm, %x) -> float[B], float[B]
  %6 = add %4, %m.w
  return %6, state %m.norm.mean: %5
}",
    )
}

fn argument(f: &mut Function) -> &mut Range<usize> {
    match &mut f.body.insts[0] {
        Inst::Call(c) => &mut c.structs[0].leaves,
        Inst::Op(_) | Inst::PullbackCall(_) | Inst::Loop(_) => panic!("it starts with a call"),
    }
}

#[test]
fn broken_structs_and_states_are_told_apart() -> Result<(), ParseError> {
    let order = "states of what is not there, or out of order";
    let cases: &[Case<'_>] = &[
        (
            |f| f.structs[0].leaves.end = 9,
            "the leaves of `m` are not there, or not in order",
        ),
        (
            |f| f.structs[0].children[0].leaves = 1..4,
            "the leaves of `m.norm` are not there, or not in order",
        ),
        (
            |f| f.structs.push(f.structs[0].clone()),
            "the leaves of `m` are not there, or not in order",
        ),
        (
            |f| f.structs[0].children[0].leaves.end = 1,
            "the parameter name `m.norm.by` is taken, or a number",
        ),
        (
            |f| f.params[2].name = "w".to_string(),
            "the parameter name `w` is taken, or a number",
        ),
        (
            |f| f.structs[0].children[0].name = "w".to_string(),
            "the parameter name `m.norm.mean` is taken, or a number",
        ),
        (
            |f| f.params[3].name = "m.norm".to_string(),
            "the parameter name `m.norm` is taken, or a number",
        ),
        (
            |f| f.structs[0].name = "3".to_string(),
            "the parameter name `3` is taken, or a number",
        ),
        (
            |f| f.structs[0].name = "a.b".to_string(),
            "the parameter name `a.b` is taken, or a number",
        ),
        (
            |f| f.structs[0].children[0].name = String::new(),
            "the parameter name `m.` is taken, or a number",
        ),
        (
            |f| f.structs[0].children[0].name = "a.b".to_string(),
            "the parameter name `m.a.b` is taken, or a number",
        ),
        (
            |f| f.structs[0].children[0].leaves = Range { start: 2, end: 1 },
            "the leaves of `m.norm` are not there, or not in order",
        ),
        (
            |f| argument(f).end = 9,
            "the leaves of `Norm` are not there, or not in order",
        ),
        (|f| f.states[0] = 1, order),
        (|f| f.states[0] = 9, order),
        (|f| f.states = vec![0, 0], order),
        (|f| f.states = vec![0; 3], order),
    ];
    told(&structs()?, cases);
    let two = parse(
        "fn @f(%m: Mean { mean: state float[], count: state float[] }) -> () {
  return state %m.mean: %m.mean, state %m.count: %m.count
}",
    )?;
    told(&two, &[(|f| f.body.results.truncate(1), order)]);
    Ok(())
}
