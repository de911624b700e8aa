//! Linked gradients mean what they say: against finite differences, through calls whose pullbacks are
//! stored, derived at link time, or asked of some results only.

use sinew_ir::{
    Array, Binding, DType, Function, Gradient, LinkError, ParamKind, Symbol, SymbolValue, Unit,
    dependence, inline, interpret, link, link_gradient, link_pullback, parse,
};
use std::error::Error;

static LINEAR: Unit = Unit {
    path: "nn::linear",
    file: "src/nn.rs",
    text: "fn @linear<[S], I, O>(%w: param float[I, O], %b: param float[O], %x: float[[S], I]) -> float[[S], O] {
  %3 = dot %x, %w contract_x [-1] contract_y [0] at 8:9
  %4 = broadcast %b shape [[S], O] new [S] at 8:9
  %5 = add %3, %4 at 8:24
  return %5
}
pullback(%6: float[[S], O]) {
  %7 = sum %6 axes [S] at 8:24
  %8 = dot %6, %w contract_x [-1] contract_y [1] at 8:9
  %9 = dot %x, %6 contract_x [S] contract_y [S] at 8:9
  return %w: %9, %b: %7, %x: %8
}",
    callees: &[],
    consts: &[],
};

/// Two results, of which a caller may use one; its text has no pullback.
static GATE: Unit = Unit {
    path: "gate",
    file: "src/net.rs",
    text: "fn @gate<[S], N>(%x: float[[S], N]) -> float[[S], N], float[[S]] {
  %1 = sigmoid %x at 3:5
  %2 = mul %x, %1 at 3:8
  %3 = sum %2 axes [-1] at 4:5
  return %2, %3
}",
    callees: &[],
    consts: &[],
};

static LOSS: Unit = Unit {
    path: "loss",
    file: "src/net.rs",
    text: "fn @loss<B, const HIDDEN>(%m.w: param float[3, HIDDEN], %m.b: param float[HIDDEN], %x: float[B, 2, 3], %s: state float[]) -> float[], float[B, 2, HIDDEN] {
  %4 = call @nn::linear<[S] = [B, 2], I = 3, O = HIDDEN>(%m.w, %m.b, %x) -> float[B, 2, HIDDEN] at 10:5
  %5, %6 = call @gate<[S] = [B, 2], N = HIDDEN>(%4) -> float[B, 2, HIDDEN], float[B, 2] at 11:5
  %7 = mul %5, %5 at 12:5
  %8 = sum %7 axes [0, 1, 2] at 12:9
  return %8, %5
}",
    callees: &[("nn::linear", &LINEAR), ("gate", &GATE)],
    consts: &[("HIDDEN", SymbolValue::Size(4))],
};

static ENDLESS: Unit = Unit {
    path: "endless",
    file: "src/net.rs",
    text: "fn @endless(%x: float[]) -> float[] {
  %1 = call @endless(%x) -> float[] at 2:5
  return %1
}",
    callees: &[("endless", &ENDLESS)],
    consts: &[],
};

fn binding(batch: usize) -> Result<Binding, Box<dyn Error>> {
    let function = parse(LOSS.text)?;
    let known = [(Symbol::new("HIDDEN"), 4.into())];
    let shapes = [(2, vec![batch, 2, 3])];
    Ok(Binding::infer(&function, DType::F64, &known, &shapes)?)
}

/// Numbers without a pattern, the same on every run.
fn inputs(program: &Function) -> Vec<Array> {
    let mut state = 7u64;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 33) as f64 / f64::from(1u32 << 30) - 1.0
    };
    let params = &program.values[..program.params.len()];
    params
        .iter()
        .filter_map(|t| {
            let shape = t.shape.extents()?;
            let n: usize = shape.iter().product();
            Array::new(t.dtype, &shape, (0..n).map(|_| next()).collect())
        })
        .collect()
}

/// `sum(weights * result)` by central differences in each element of input `param`.
fn differences(
    program: &Function,
    inputs: &[Array],
    param: usize,
    weigh: &dyn Fn(&[Array]) -> f64,
) -> Result<Vec<f64>, Box<dyn Error>> {
    let mut out = Vec::new();
    for i in 0..inputs[param].data.len() {
        let at = |by: f64| -> Result<f64, Box<dyn Error>> {
            let mut moved = inputs.to_vec();
            moved[param].data[i] += by;
            Ok(weigh(&interpret(program, &moved)?))
        };
        out.push((at(1e-6)? - at(-1e-6)?) / 2e-6);
    }
    Ok(out)
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        // Central differences are good to about 1e-9 relative to the values, not the slopes.
        assert!((f - e).abs() < 1e-7 * (1.0 + e.abs()), "{f} and {e}");
    }
}

#[test]
fn gradients_are_the_slopes_of_the_loss() -> Result<(), Box<dyn Error>> {
    for batch in [0, 1, 3] {
        let binding = binding(batch)?;
        let forward = link(&LOSS, &binding)?;
        let made = link_gradient(&LOSS, &binding, &|p| p.kind != ParamKind::State)?;
        let Gradient {
            program,
            results,
            gradients,
            ..
        } = made;
        assert_eq!(results, 2);
        assert_eq!(gradients, [Some(2), Some(3), Some(4), None]);
        let inputs = inputs(&program);
        let computed = interpret(&program, &inputs)?;
        assert_eq!(computed[..2], interpret(&forward, &inputs)?[..]);
        for (param, at) in gradients.iter().enumerate() {
            if let Some(at) = at {
                let expected = differences(&forward, &inputs, param, &|r| r[0].data[0])?;
                assert_close(&computed[*at].data, &expected);
            }
        }
    }
    Ok(())
}

#[test]
fn pullbacks_take_the_cotangents_of_all_results() -> Result<(), Box<dyn Error>> {
    let binding = binding(2)?;
    let forward = link(&LOSS, &binding)?;
    let made = link_pullback(&LOSS, &binding, &|p| p.name == "m.w")?;
    let names: Vec<&str> = made
        .program
        .params
        .iter()
        .map(|p| p.name.as_str())
        .collect();
    let expected = ["m.w", "m.b", "x", "s", "cotangent.0", "cotangent.1"];
    assert_eq!(names, expected);
    assert_eq!(made.gradients, [Some(2), None, None, None]);
    let inputs = inputs(&made.program);
    let computed = interpret(&made.program, &inputs)?;
    let weigh = |results: &[Array]| {
        let pairs = results.iter().zip(&inputs[4..]);
        let products = pairs.flat_map(|(r, c)| r.data.iter().zip(&c.data));
        products.map(|(r, c)| r * c).sum()
    };
    let expected = differences(&forward, &inputs[..4], 0, &weigh)?;
    assert_close(&computed[2].data, &expected);
    Ok(())
}

#[test]
fn instructions_are_traced_to_the_file_they_were_written_in() -> Result<(), Box<dyn Error>> {
    let made = link_gradient(&LOSS, &binding(2)?, &|_| true)?;
    let mut places: Vec<String> = made
        .program
        .body
        .insts
        .iter()
        .filter_map(|i| i.location().map(|l| l.to_string()))
        .collect();
    places.sort();
    places.dedup();
    for place in [
        "src/nn.rs:8:9",
        "src/nn.rs:8:24",
        "src/net.rs:3:5",
        "src/net.rs:12:9",
    ] {
        assert!(
            places.iter().any(|p| p == place),
            "{place} not in {places:?}"
        );
    }
    Ok(())
}

#[test]
fn recursion_is_an_error() {
    let binding = Binding::new(DType::F32);
    let error = link(&ENDLESS, &binding);
    assert_eq!(error, Err(LinkError::Recursion("endless".into())));
}

#[test]
fn consts_of_one_name_stay_apart() -> Result<(), Box<dyn Error>> {
    macro_rules! adds {
        ($path:literal, $number:literal) => {
            Unit {
                path: $path,
                file: "src/net.rs",
                text: "fn @adds<const EPS: f64>(%x: float[]) -> float[] {
  %1 = const value EPS dtype float shape [] at 2:5
  %2 = add %x, %1 at 2:9
  return %2
}",
                callees: &[],
                consts: &[("EPS", SymbolValue::Float($number))],
            }
        };
    }
    static SMALL: Unit = adds!("small", 0.001);
    static LARGE: Unit = adds!("large", 0.5);
    static BOTH: Unit = Unit {
        path: "both",
        file: "src/net.rs",
        text: "fn @both<const EPS: f64>(%x: float[]) -> float[] {
  %1 = const value EPS dtype float shape [] at 5:5
  %2 = mul %x, %1 at 5:9
  %3 = call @small(%2) -> float[] at 6:5
  %4 = call @large(%3) -> float[] at 7:5
  return %4
}",
        callees: &[("small", &SMALL), ("large", &LARGE)],
        consts: &[("EPS", SymbolValue::Float(7.0))],
    };
    let printed = inline(&BOTH)?.to_string();
    for number in ["value 7", "value 0.001", "value 0.5"] {
        assert!(printed.contains(number), "{number} is not in\n{printed}");
    }
    Ok(())
}

/// Two layers, of which the loss uses one through two calls; and a branch that one of two results of a
/// call takes alone.
static TWO_HEADS: Unit = Unit {
    path: "heads",
    file: "src/net.rs",
    text: "fn @heads(%a: param float[3], %b: param float[3], %unused: param float[3], %x: float[3]) -> float[3], float[3] {
  %4 = mul %a, %x at 3:5
  %5 = exp %b at 4:5
  return %4, %5
}
pullback(%6: float[3], %7: float[3]) {
  %8 = mul %6, %x at 3:5
  %9 = mul %7, %5 at 4:5
  %10 = mul %6, %a at 3:5
  return %a: %8, %b: %9, %x: %10
}",
    callees: &[],
    consts: &[],
};

/// As a macro writes it, which knows nothing of the body: each float argument has a gradient, and the
/// one that the callee does not have goes on through a product with an infinity.
static ONE_HEAD: Unit = Unit {
    path: "one",
    file: "src/net.rs",
    text: "fn @one(%m.a: param float[3], %m.b: param float[3], %m.unused: param float[3], %x: float[3]) -> float[] {
  %4 = log %m.unused at 9:5
  %5, %6 = call @heads(%m.a, %m.b, %4, %x) -> float[3], float[3] at 10:5
  %7 = sum %5 axes [0] at 11:5
  return %7
}
pullback(%8: float[]) {
  %9 = broadcast %8 shape [3] new [0] at 11:5
  %10, %11, %12, %13 = pullback %5(%9, _) of [0, 1, 2, 3]
  %14 = div %12, %m.unused at 9:5
  return %m.a: %10, %m.b: %11, %m.unused: %14, %x: %13
}",
    callees: &[("heads", &TWO_HEADS)],
    consts: &[],
};

#[test]
fn a_parameter_that_a_callee_leaves_out_has_no_gradient() -> Result<(), Box<dyn Error>> {
    let info = dependence(&ONE_HEAD)?;
    assert_eq!(info.depends, [vec![true, false, false, true]]);
    let info = dependence(&TWO_HEADS)?;
    let first = vec![true, false, false, true];
    let second = vec![false, true, false, false];
    assert_eq!(info.depends, [first, second]);
    let binding = Binding::new(DType::F64);
    let made = link_gradient(&ONE_HEAD, &binding, &|_| true)?;
    assert_eq!(made.gradients, [Some(1), None, None, Some(2)]);
    let printed = made.program.to_string();
    assert!(
        !printed.contains("div"),
        "nothing is left of it:\n{printed}"
    );
    let whole = inline(&ONE_HEAD)?;
    let gradients = whole.pullback.ok_or("it has one")?.gradients;
    assert_eq!(gradients, [0, 3]);
    Ok(())
}

#[test]
fn a_dependence_without_an_end_is_an_error() {
    let error = dependence(&ENDLESS);
    assert_eq!(error, Err(LinkError::Recursion("endless".into())));
}

type Link = fn(&'static Unit, &Binding) -> Option<LinkError>;

/// The error of linking a function of the given text.
fn refused(text: &'static str, link: Link) -> String {
    let unit = Box::leak(Box::new(Unit {
        path: "net::f",
        file: "src/net.rs",
        text,
        callees: Box::leak(Box::new([("nn::linear", &LINEAR)])),
        consts: &[],
    }));
    let binding = Binding::new(DType::F32).with("B", 2);
    link(unit, &binding).map_or_else(|| "it links".to_string(), |e| e.to_string())
}

#[test]
fn what_does_not_link_is_told_with_its_place() {
    let forward = |u: &'static Unit, b: &Binding| link(u, b).err();
    let gradient = |u: &'static Unit, b: &Binding| link_gradient(u, b, &|_| true).err();
    let cases: [(&str, Link, &str); 9] = [
        (
            "fn @f() -> () {",
            forward,
            "the stored text of `net::f` does not parse: 1:16: expected return, found ``",
        ),
        (
            "fn @f(%x: float[]) -> float[] {\n %1 = call @g(%x) -> float[] at 2:5\n return %1\n}",
            forward,
            "`net::f` calls `g`, which its unit does not list",
        ),
        (
            "fn @f<N>(%x: float[N]) -> float[N] {\n return %x\n}",
            forward,
            "`N` of `net::f` has no value",
        ),
        (
            "fn @f<[S]>(%x: float[[S]]) -> float[[S]] {\n return %x\n}",
            forward,
            "`S` of `net::f` has no value",
        ),
        (
            "fn @f<B>(%x: float[B - 3]) -> float[B - 3] {\n return %x\n}",
            forward,
            "in `net::f`: `B - 3` is -1, and an extent is never negative",
        ),
        (
            "fn @f<B>(%x: float[B]) -> float[1] {\n %1 = slice %x axis [0] range [4, 5, 1] at 2:9\n return %1\n}",
            forward,
            "`slice` in `net::f` at src/net.rs:2:9: the range 4..5 step 1 does not fit an axis of 2",
        ),
        (
            "fn @f(%w: float[2, 2], %x: float[2]) -> float[2] {\n %2 = call @nn::linear<[S] = [], I = 2, O = 2>(%w, %x) -> float[2] at 3:4\n return %2\n}",
            forward,
            "the call of `nn::linear` in `net::f` at src/net.rs:3:4 does not fit it: the number of arguments differs",
        ),
        (
            "fn @f(%x: float[2]) -> float[2] {\n return %x\n}",
            gradient,
            "the first result of `net::f` is `f32[2]`; a gradient is that of a float without dims",
        ),
        (
            "fn @f(%w: float[2, 2], %b: float[2], %x: float[2]) -> float[] {\n %3 = call @nn::linear<[S] = [], I = 2, O = 2>(%w, %b, %x) -> float[2] at 3:4\n %4 = sum %3 axes [0]\n return %4\n}",
            gradient,
            "it links",
        ),
    ];
    for (text, link, message) in cases {
        assert_eq!(refused(text, link), message);
    }
}
