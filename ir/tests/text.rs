//! The text form: what is printed reads back, and what is no function is refused with its place.

use proptest::prelude::*;
use sinew_ir::{Binding, DType, Symbol, SymbolValue, Unit, link, parse, verify};

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[test]
fn numbers_read_back_to_the_same_bits() -> Outcome {
    let numbers = [
        "0",
        "-0",
        "1",
        "0.1",
        "-2.5",
        "1e-30",
        "1.7976931348623157e308",
        "5e-324",
        "nan",
        "inf",
        "-inf",
        "100000",
        "0.00001",
        "123456789.125",
        "EPS",
    ];
    for n in numbers {
        let text = format!(
            "fn @c<const EPS: f64>() -> float[] {{\n  %0 = const value {n} dtype float shape []\n  return %0\n}}\n"
        );
        let f = parse(&text)?;
        verify(&f)?;
        assert_eq!(f.to_string(), text);
    }
    Ok(())
}

#[test]
fn places_are_printed_on_request() -> Outcome {
    let text = "fn @c<B>() -> f32[B] {\n  %0 = const value 1 dtype f32 shape [B] at 7:21\n  return %0\n}\n";
    let f = parse(text)?;
    assert_eq!(f.to_text_with_locations(), text);
    assert_eq!(f.to_string(), text.replace(" at 7:21", ""));
    Ok(())
}

#[test]
fn errors_have_the_place_in_the_text() -> Outcome {
    let cases = [
        (
            "fn @f() -> () {\n  %0 = nonsense\n  return\n}",
            "2:8: no op is called `nonsense`",
        ),
        (
            "fn @f() -> () {\n  return %3\n}",
            "2:11: `%3` is not defined before its use",
        ),
        (
            "fn @f(%x: float[N]) -> () {}",
            "1:17: `N` is not declared as a symbol of that kind",
        ),
        (
            "fn @f(%x: float[]) -> f32[] {\n  return %x\n}",
            "2:11: announced as f32[], and is float[]",
        ),
        (
            "fn @f(%x: floot[])",
            "1:11: expected an element type, found `floot[])`",
        ),
    ];
    for (text, message) in cases {
        let error = parse(text).err().ok_or("it parsed")?;
        assert_eq!(error.to_string(), message);
    }
    Ok(())
}

#[test]
fn consts_come_from_the_unit() -> Outcome {
    static UNIT: Unit = Unit {
        path: "ones",
        file: "src/ones.rs",
        text: "fn @ones<B, const K>(%x: float[B]) -> float[B, K] {\n  %1 = const value 1 dtype float shape [B, K] at 3:5\n  return %1\n}",
        callees: &[],
        consts: &[("K", SymbolValue::Size(3))],
    };
    let f = parse(UNIT.text)?;
    let binding = Binding::infer(
        &f,
        DType::F32,
        &[(Symbol::new("K"), 3.into())],
        &[(0, vec![2])],
    )?;
    let program = link(&UNIT, &binding)?;
    assert_eq!(
        program.to_string(),
        "fn @ones(%x: f32[2]) -> f32[2, 3] {\n  %1 = const value 1 dtype f32 shape [2, 3]\n  return %1\n}\n"
    );
    let at = program.body.insts[0].location().ok_or("no place")?;
    assert_eq!(at.to_string(), "src/ones.rs:3:5");
    Ok(())
}

#[test]
fn deep_parentheses_are_refused() {
    let deep = format!("{}1{}", "(".repeat(10_000), ")".repeat(10_000));
    let error = parse(&format!("fn @f(%x: float[{deep}]) -> () {{\n return\n}}"));
    assert!(matches!(error, Err(e) if e.to_string().contains("nest deeper")));
}

/// A text with every form, to be broken.
const WHOLE: &str = include_str!("golden/parse/every_form.ir");

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_makes_the_parser_panic(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0usize..12, ".{0,3}"), 1..4)
    ) {
        let mut chars: Vec<char> = WHOLE.split("----").next().unwrap_or("").chars().collect();
        for (at, gone, new) in cuts {
            let start = at.index(chars.len() + 1).min(chars.len());
            let end = (start + gone).min(chars.len());
            chars.splice(start..end, new.chars());
        }
        let text: String = chars.into_iter().collect();
        if let Ok(f) = parse(&text) {
            // What it accepts prints and reads back, whether it verifies or not.
            let printed = f.to_string();
            prop_assert_eq!(parse(&printed).map(|f| f.to_string()), Ok(printed));
            let _ = verify(&f);
        }
    }
}

#[test]
fn quotients_that_nest_without_end_are_refused() {
    let text = |n: usize| {
        let deep = format!("N{}", "/K".repeat(n));
        format!("fn @f<N, K>(%x: float[{deep}]) -> () {{\n return\n}}")
    };
    assert!(parse(&text(64)).is_ok());
    for n in [65, 100_000] {
        let error = parse(&text(n)).err().map(|e| e.to_string());
        assert!(
            error.is_some_and(|e| e.ends_with("nests too many divisions")),
            "{n}"
        );
    }
    // Parentheses do not start the count anew.
    let mut deep = "N".to_string();
    for _ in 0..8 {
        deep = format!("({deep}{})", "/K".repeat(16));
    }
    let error = parse(&format!(
        "fn @f<N, K>(%x: float[{deep}]) -> () {{\n return\n}}"
    ));
    assert!(error.is_err());
}

#[test]
fn a_position_past_all_operands_is_an_error() -> Outcome {
    let text = |at: &str| {
        format!(
            "fn @f(%x: float[]) -> float[] {{
  %1 = call @g(%x) -> float[]
  return %1
}}
pullback(%2: float[]) {{
  %3 = pullback %1(%2) of [{at}]
  return %x: %3
}}"
        )
    };
    let error = |at: &str| parse(&text(at)).err().map(|e| e.problem.to_string());
    assert_eq!(error("0"), None);
    assert!(error("1").is_some());
    assert!(error(&usize::MAX.to_string()).is_some());
    assert!(error("99999999999999999999").is_some());
    // The verifier meets functions that no text made.
    let mut f = parse(&text("0"))?;
    let pullback = f.pullback.as_mut().ok_or("it has one")?;
    for inst in &mut pullback.block.insts {
        if let sinew_ir::Inst::PullbackCall(p) = inst {
            p.results[0].0 = usize::MAX;
        }
    }
    assert!(verify(&f).is_err());
    Ok(())
}

#[test]
fn a_pullback_before_its_call_is_refused() -> Outcome {
    use sinew_ir::{Inst, PullbackCall, Value};
    let mut f = parse(
        "fn @f(%x: float[]) -> float[] {
  %1 = call @g(%x) -> float[]
  return %1
}",
    )?;
    // The call's result is a value that the function does not even have.
    let out_of_reach = Value(7);
    if let Inst::Call(c) = &mut f.body.insts[0] {
        c.results[0] = out_of_reach;
    }
    f.body.insts.insert(
        0,
        Inst::PullbackCall(PullbackCall {
            call: out_of_reach,
            cotangents: vec![Some(Value(0))],
            results: vec![],
        }),
    );
    let error = verify(&f).err().ok_or("it verified")?;
    assert_eq!(
        error.to_string(),
        "in `f`: %7 is used before it is defined, or is not of this part"
    );
    Ok(())
}

#[test]
fn places_are_read_back() -> Outcome {
    let text = "\
fn @f<N>(%x: float[N]) -> float[N] {
  %1 = exp %x at 3:5
  %2 = neg %1 at 3:5
  %3 = relu %2
  %4 = exp %3 at 7:12
  return %4
}
";
    let function = parse(text)?;
    let stored = Unit::text_of(&function);
    assert!(stored.ends_with("}\n; places 3:5 . - 7:12\n"), "{stored}");
    let unit = Unit {
        path: "f",
        file: "f.rs",
        text: Box::leak(stored.into_boxed_str()),
        callees: &[],
        consts: &[],
    };
    assert_eq!(unit.function()?, function);
    Ok(())
}
