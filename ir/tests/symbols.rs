//! Typed symbols: as texts, as rules of the verifier, bound, and linked through calls of every mode.

use sinew_ir::{
    Array, BindError, Binding, DType, LinkError, Symbol, SymbolKind, SymbolSource, SymbolType,
    SymbolValue, Unit, inline, interpret, link, link_gradient, link_pullback, parse, verify,
};
use sinew_testing::difference;
use std::error::Error;

type Outcome = Result<(), Box<dyn Error>>;

/// A unit of an inner function, a text, and the consts of both.
const fn unit(
    path: &'static str,
    text: &'static str,
    callees: &'static [(&'static str, &'static Unit)],
    consts: &'static [(&'static str, SymbolValue)],
) -> Unit {
    Unit {
        path,
        file: "src/net.rs",
        text,
        callees,
        consts,
    }
}

fn vector(data: &[f64]) -> Array {
    Array {
        dtype: DType::F64,
        shape: vec![data.len()],
        data: data.to_vec(),
    }
}

fn assert_same(found: &Array, expected: &[f64]) {
    assert_eq!(difference(found, &vector(expected), 1e-12, 1e-12), None);
}

#[test]
fn every_form_reads_back_as_printed() -> Outcome {
    let text = "\
fn @f<[S], B, scale: f64, wide: bool, const K, const EPS: f64, const DEEP: bool>(%x: float[[S], B]) -> float[[S], B] {
  %1 = const value scale dtype float shape [[S], B]
  %2 = const value EPS dtype float shape [[S], B]
  %3 = call @g<[S] = [[S]], N = B, a: f64 = EPS, b: f64 = -0.5, c: f64 = nan, d: bool = !wide, e: bool = true, f: bool = B*K <= 64, g: bool = !(scale < EPS), h: bool = (training() and !wide)>(%x) -> float[[S], B]
  %4 = call @g<N = B> choice @h<N = 1> where wide, @h where !DEEP, @h where !(B == K), @h where 0.5 <= scale, @h where scale == EPS, @h where !training(), @h where false (%x) -> float[[S], B]
  return %4
}
";
    let f = parse(text)?;
    verify(&f)?;
    assert_eq!(f.to_string(), text);
    assert_eq!(parse(&f.to_string())?, f);
    let kinds: Vec<SymbolKind> = f.symbols.iter().map(|d| d.kind).collect();
    let value = SymbolKind::Value;
    let expected = [
        SymbolKind::Sequence,
        SymbolKind::SIZE,
        value(SymbolType::Float, SymbolSource::Caller),
        value(SymbolType::Bool, SymbolSource::Caller),
        value(SymbolType::Size, SymbolSource::Rustc),
        value(SymbolType::Float, SymbolSource::Rustc),
        value(SymbolType::Bool, SymbolSource::Rustc),
    ];
    assert_eq!(kinds, expected);
    Ok(())
}

#[test]
fn texts_that_use_a_symbol_as_what_it_is_not_are_refused() -> Outcome {
    let cases = [
        (
            "fn @f<scale: f64>(%x: float[scale]) -> () {}",
            "1:29: `scale` is not declared as a symbol of that kind",
        ),
        (
            "fn @f<B>() -> float[] {\n %0 = const value B dtype float shape []\n return %0\n}",
            "2:19: `B` is not declared as a symbol of that kind",
        ),
        (
            "fn @f<scale: u64>() -> () {}",
            "1:14: expected `f64` or `bool`, found `u64>() -> () {}`",
        ),
        (
            "fn @f<inf: f64>() -> () {}",
            "1:7: `inf` is a value, and no symbol's name",
        ),
        (
            "fn @f<scale: f64>() -> () {\n %0 = call @g choice @h where !scale () -> float[]\n}",
            "2:32: `scale` is not declared as a symbol of that kind",
        ),
    ];
    for (text, message) in cases {
        let error = parse(text).err().ok_or("it parsed")?;
        assert_eq!(error.to_string(), message);
    }
    Ok(())
}

#[test]
fn values_of_another_type_are_named_when_they_are_bound() -> Outcome {
    let f = parse(
        "fn @f<B, scale: f64, wide: bool, const EPS: f64>(%x: float[B]) -> () {\n  return\n}",
    )?;
    let infer = |known: &[(&str, SymbolValue)]| {
        let known: Vec<_> = known.iter().map(|(s, v)| (Symbol::new(s), *v)).collect();
        Binding::infer(&f, DType::F64, &known, &[(0, vec![4])])
    };
    // A model's configuration may have more than this function uses.
    let known = [
        ("wide", true.into()),
        ("scale", 0.5.into()),
        ("deep", 3.into()),
    ];
    let found = infer(&known)?;
    let expected = Binding::new(DType::F64);
    let expected = expected.with("B", 4).with("scale", 0.5).with("wide", true);
    assert_eq!(found, expected);
    let cases: [(&[(&str, SymbolValue)], &str); 6] = [
        (
            &[("scale", SymbolValue::Float(0.5))],
            "nothing tells what `wide` of `f` is: the configuration gives no such bool",
        ),
        (
            &[("wide", SymbolValue::Bool(true))],
            "nothing tells what `scale` of `f` is: the configuration gives no such f64",
        ),
        (
            &[("scale", SymbolValue::Size(2))],
            "`scale` of `f` is an f64, and is given a usize (2)",
        ),
        (
            &[("wide", SymbolValue::Float(1.0))],
            "`wide` of `f` is a bool, and is given an f64 (1)",
        ),
        (
            &[("B", SymbolValue::Bool(true))],
            "`B` of `f` is a usize, and is given a bool (true)",
        ),
        (
            &[
                ("scale", SymbolValue::Float(0.5)),
                ("scale", SymbolValue::Float(0.25)),
            ],
            "`scale` of `f` is one value, and is given 0.5 and 0.25",
        ),
    ];
    for (known, message) in cases {
        assert_eq!(
            infer(known).map_err(|e: BindError| e.to_string()),
            Err(message.to_string())
        );
    }
    Ok(())
}

/// Its pullback is not stored.
static SCALED: Unit = unit(
    "scaled",
    "fn @scaled<N, scale: f64, const EPS: f64>(%x: float[N]) -> float[N] {
  %1 = const value scale dtype float shape [N]
  %2 = const value EPS dtype float shape [N]
  %3 = mul %x, %1
  %4 = mul %3, %x
  %5 = add %4, %2
  return %5
}",
    &[],
    &[("EPS", SymbolValue::Float(0.125))],
);

static CUBED: Unit = unit(
    "cubed",
    "fn @cubed<N>(%x: float[N]) -> float[N] {
  %1 = mul %x, %x
  %2 = mul %1, %x
  return %2
}",
    &[],
    &[],
);

/// One of the two, by a bool or by a number.
static EITHER: Unit = unit(
    "either",
    "fn @either<N, sharp: bool, a: f64>(%x: float[N]) -> float[N] {
  %1 = call @scaled<N = N, scale: f64 = a> choice @cubed<N = N> where sharp, @cubed<N = N> where !(a < 10) (%x) -> float[N] at 2:3
  return %1
}",
    &[("scaled", &SCALED), ("cubed", &CUBED)],
    &[],
);

/// Two levels of calls, a const of the same name as an inner one's among what they are given.
static TWO_LEVELS: Unit = unit(
    "two_levels",
    "fn @two_levels<B, wide: bool, b: f64, const EPS: f64, const DEEP: bool>(%x: float[B]) -> float[B], float[B], float[B], float[B] {
  %1 = call @either<N = B, sharp: bool = !wide, a: f64 = b>(%x) -> float[B]
  %2 = call @either<N = B, sharp: bool = false, a: f64 = EPS>(%x) -> float[B]
  %3 = call @either<N = B, sharp: bool = B <= 2, a: f64 = 0.5>(%x) -> float[B]
  %4 = call @either<N = B, sharp: bool = DEEP, a: f64 = 20>(%x) -> float[B]
  return %1, %2, %3, %4
}",
    &[("either", &EITHER)],
    &[
        ("EPS", SymbolValue::Float(3.0)),
        ("DEEP", SymbolValue::Bool(false)),
    ],
);

#[test]
fn numbers_and_bools_go_through_two_levels_of_calls() -> Outcome {
    let x = [0.5, -2.0, 3.0];
    let scaled = |x: f64, scale: f64| scale * x * x + 0.125;
    for (wide, count) in [(true, 2), (true, 3), (false, 3)] {
        let x = &x[..count];
        let binding = Binding::new(DType::F64).with("B", count);
        let binding = binding.with("wide", wide).with("b", 0.75);
        let program = link(&TWO_LEVELS, &binding)?;
        let results = interpret(&program, &[vector(x)])?;
        let each = |f: &dyn Fn(f64) -> f64| x.iter().map(|x| f(*x)).collect::<Vec<f64>>();
        let cube = |x: f64| x * x * x;
        assert_same(
            &results[0],
            &each(&|x| if wide { scaled(x, 0.75) } else { cube(x) }),
        );
        assert_same(&results[1], &each(&|x| scaled(x, 3.0)));
        let small = count <= 2;
        assert_same(
            &results[2],
            &each(&|x| if small { cube(x) } else { scaled(x, 0.5) }),
        );
        assert_same(&results[3], &each(&cube));
    }
    Ok(())
}

#[test]
fn pullbacks_follow_the_choice() -> Outcome {
    let x = [0.5, -2.0, 3.0];
    for (sharp, a) in [(true, 0.5), (false, 0.5), (false, 10.0), (false, f64::NAN)] {
        let binding = Binding::new(DType::F64).with("N", 3);
        let binding = binding.with("sharp", sharp).with("a", a);
        let made = link_pullback(&EITHER, &binding, &|_| true)?;
        let results = interpret(&made.program, &[vector(&x), vector(&[1.0, 2.0, 1.0])])?;
        let cubed = sharp || a.is_nan() || a >= 10.0;
        let slope = |x: f64| if cubed { 3.0 * x * x } else { 2.0 * a * x };
        let expected = [slope(x[0]), 2.0 * slope(x[1]), slope(x[2])];
        let gradient = made.gradients[0].ok_or("it has one")?;
        assert_same(&results[gradient], &expected);
    }
    let error = inline(&EITHER).map_err(|e| e.to_string());
    let message = "which function `either` calls at src/net.rs:2:3 depends on whether `sharp`";
    assert_eq!(error, Err(message.to_string()));
    Ok(())
}

/// A loop of calls, and a checkpoint, in a loss.
static LOSS: Unit = unit(
    "loss",
    "fn @loss<B, T, wide: bool, b: f64>(%x: float[B]) -> float[] {
  %1 = call @either<N = B, sharp: bool = !wide, a: f64 = b> loop T (carried %x) -> carried float[B]
  %2 = call @either<N = B, sharp: bool = wide, a: f64 = b> checkpoint (%1) -> float[B]
  %3 = sum %2 axes [0]
  return %3
}",
    &[("either", &EITHER)],
    &[],
);

#[test]
fn loops_and_checkpoints_hand_symbols_on() -> Outcome {
    let x = [0.5, -0.25];
    for (wide, trip) in [(true, 0), (true, 3), (false, 2)] {
        let binding = Binding::new(DType::F64).with("B", 2).with("T", trip);
        let binding = binding.with("wide", wide).with("b", 0.75);
        let made = link_gradient(&LOSS, &binding, &|_| true)?;
        let results = interpret(&made.program, &[vector(&x)])?;
        let layer = |sharp: bool, (x, slope): (f64, f64)| match sharp {
            true => (x * x * x, slope * 3.0 * x * x),
            false => (0.75 * x * x + 0.125, slope * 1.5 * x),
        };
        let whole = |x: f64| {
            let looped = (0..trip).fold((x, 1.0), |at, _| layer(!wide, at));
            layer(wide, looped)
        };
        let (values, slopes): (Vec<f64>, Vec<f64>) = x.iter().map(|x| whole(*x)).unzip();
        let sum = Array::filled(DType::F64, &[], values.iter().sum());
        assert_eq!(difference(&results[0], &sum, 1e-12, 0.0), None);
        assert_same(&results[made.gradients[0].ok_or("it has one")?], &slopes);
    }
    Ok(())
}

/// The error of linking a caller of [`SCALED`].
fn refused(text: &'static str) -> String {
    let callees = Box::leak(Box::new([("scaled", &SCALED)]));
    let unit: &'static Unit = Box::leak(Box::new(unit("f", text, callees, &[])));
    let binding = Binding::new(DType::F64).with("B", 2);
    match link(unit, &binding) {
        Ok(program) => format!("it links:\n{program}"),
        Err(e) => e.to_string(),
    }
}

#[test]
fn calls_that_do_not_give_what_a_callee_needs_are_told_apart() {
    let cases = [
        (
            "fn @f<B>(%x: float[B]) -> float[B] {
  %1 = call @scaled<N = B>(%x) -> float[B]
  return %1
}",
            "`scale` of `scaled` has no value",
        ),
        (
            "fn @f<B>(%x: float[B]) -> float[B] {
  %1 = call @scaled<N = B, scale = 3>(%x) -> float[B]
  return %1
}",
            "`scale` of `scaled` is an f64, and is given a usize",
        ),
        (
            "fn @f<B>(%x: float[B]) -> float[B] {
  %1 = call @scaled<N: bool = true, scale: f64 = 3>(%x) -> float[B]
  return %1
}",
            "`N` of `scaled` is a usize, and is given a bool",
        ),
        (
            "fn @f<B>(%x: float[B]) -> float[B] {
  %1 = call @scaled<N = B, scale: f64 = 3, deep: bool = true>(%x) -> float[B]
  return %1
}",
            "`f` gives a value of `deep`, which is no symbol that callers of `scaled` give",
        ),
        (
            "fn @f<B>(%x: float[B]) -> float[B] {
  %1 = call @scaled<N = B, scale: f64 = 3, EPS: f64 = 3>(%x) -> float[B]
  return %1
}",
            "`f` gives a value of `EPS`, which is no symbol that callers of `scaled` give",
        ),
        (
            "fn @f<B, deep: bool>(%x: float[B]) -> float[B] {
  return %x
}",
            "`deep` of `f` has no value",
        ),
        (
            "fn @f<B: bool>(%x: float[]) -> float[] {
  return %x
}",
            "`B` of `f` is a bool, and is given a usize",
        ),
        (
            "fn @f<const K: f64>(%x: float[]) -> float[] {
  return %x
}",
            "`K` of `f` has no value",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(refused(text), message);
    }
}

/// Of a type that two functions share by a const, which only one of them names.
static SHARED: Unit = unit(
    "shared",
    "fn @shared<const WIDTH>(%x: float[WIDTH]) -> float[WIDTH] {
  %1 = call @inner(%x) -> float[WIDTH]
  return %1
}",
    &[("inner", &INNER)],
    &[("WIDTH", SymbolValue::Size(3))],
);

static INNER: Unit = unit(
    "inner",
    "fn @inner<const HIDDEN>(%x: float[HIDDEN]) -> float[HIDDEN] {
  %1 = exp %x
  return %1
}",
    &[],
    &[("HIDDEN", SymbolValue::Size(3))],
);

#[test]
fn a_const_in_the_types_of_a_callee_is_inlined_in_symbols() -> Result<(), LinkError> {
    let text = inline(&SHARED)?.to_string();
    let (primal, _) = text.split_once("pullback").unwrap_or((&text, ""));
    assert_eq!(
        primal,
        "fn @shared(%x: float[3]) -> float[3] {\n  %1 = exp %x\n  return %1\n}\n"
    );
    Ok(())
}
