//! How functions are called and differentiated: choices, checkpoints, pullbacks written by hand, and
//! pullbacks of pullbacks.

use sinew_fuzz::within;
use sinew_ir::{
    Array, Binding, DType, Function, Inst, LinkError, Unit, derive_pullback, inline, inline_each,
    interpret, link, link_gradient, link_pullback, parse, simplify,
};
use sinew_testing::{difference, unit_of, with_gradients};
use std::error::Error;
use std::time::Duration;

type Outcome = Result<(), Box<dyn Error>>;

static WIDE: Unit = unit_of(
    "wide",
    "fn @wide<N>(%x: float[N], %w: param float[N]) -> float[N] {
  %2 = mul %x, %w
  return %2
}",
    &[],
);

/// Does not depend on `w`.
static NARROW: Unit = unit_of(
    "narrow",
    "fn @narrow<N>(%x: float[N], %w: param float[N]) -> float[N] {
  %2 = exp %x
  return %2
}",
    &[],
);

static CHOICE: Unit = unit_of(
    "choice",
    "fn @choice<N>(%x: float[N], %w: param float[N]) -> float[] {
  %2 = call @wide<N = N> choice @narrow<N = N> where N <= 3 (%x, %w) -> float[N] at 3:5
  %3 = sum %2 axes [0]
  return %3
}
pullback(%4: float[]) {
  %5 = broadcast %4 shape [N] new [0]
  %6, %7 = pullback %2(%5) of [0, 1]
  return %x: %6, %w: %7
}",
    &[("wide", &WIDE), ("narrow", &NARROW)],
);

fn binding(sizes: &[(&str, usize)]) -> Binding {
    let each = sizes.iter();
    each.fold(Binding::new(DType::F64), |b, (s, n)| b.with(s, *n))
}

fn vector(data: &[f64]) -> Array {
    Array {
        dtype: DType::F64,
        shape: vec![data.len()],
        data: data.to_vec(),
    }
}

fn assert_same(found: &Array, expected: &Array) {
    assert_eq!(difference(found, expected, 1e-12, 1e-12), None);
}

#[test]
fn sizes_decide_which_function_is_called() -> Outcome {
    let (x, w) = (vector(&[0.5, -1.0]), vector(&[2.0, 3.0]));
    let made = link_gradient(&CHOICE, &binding(&[("N", 2)]), &|_| true)?;
    let results = interpret(&made.program, &[x.clone(), w])?;
    let sum = f64::exp(0.5) + f64::exp(-1.0);
    assert_same(&results[0], &Array::filled(DType::F64, &[], sum));
    let at = |i: usize| made.gradients[i].ok_or("each has one");
    let slope: Vec<f64> = x.data.iter().map(|x| x.exp()).collect();
    assert_same(&results[at(0)?], &vector(&slope));
    // Chosen is what does not depend on it: the other one would.
    assert_same(&results[at(1)?], &vector(&[0.0, 0.0]));

    let x = vector(&[1.0, 2.0, 3.0, 4.0]);
    let made = link_gradient(&CHOICE, &binding(&[("N", 4)]), &|_| true)?;
    let results = interpret(&made.program, &[x.clone(), x.clone()])?;
    assert_same(&results[0], &Array::filled(DType::F64, &[], 30.0));
    assert_same(&results[made.gradients[1].ok_or("it has one")?], &x);
    Ok(())
}

#[test]
fn a_choice_waits_for_sizes() {
    let error = inline(&CHOICE).map_err(|e| e.to_string());
    let message = "which function `choice` calls at src/net.rs:3:5 depends on whether `N <= 3`";
    assert_eq!(error, Err(message.to_string()));
}

#[test]
fn all_ways_to_choose_are_told() -> Outcome {
    let each = inline_each(&CHOICE)?;
    let told = each.iter().map(|(assumed, function)| {
        let [(condition, holds)] = &assumed[..] else {
            return (String::new(), false, 0);
        };
        (condition.to_string(), *holds, count(function, "exp"))
    });
    let expected = [("N <= 3", true, 1), ("N <= 3", false, 0)];
    assert!(told.eq(expected.map(|(c, holds, exps)| (c.to_string(), holds, exps))));
    // What does not choose has one, without a condition.
    let plain = inline_each(&PLAIN)?;
    assert_eq!(plain, [(Vec::new(), inline(&PLAIN)?)]);
    Ok(())
}

static BLOCK: Unit = unit_of(
    "block",
    "fn @block<N>(%x: float[N], %w: param float[N]) -> float[N] {
  %2 = mul %x, %w
  %3 = exp %2
  %4 = tanh %3
  return %4
}",
    &[],
);

static PLAIN: Unit = unit_of(
    "plain",
    "fn @plain<N>(%x: float[N], %w: param float[N]) -> float[] {
  %2 = call @block<N = N>(%x, %w) -> float[N]
  %3 = call @block<N = N>(%2, %w) -> float[N]
  %4 = sum %3 axes [0]
  return %4
}",
    &[("block", &BLOCK)],
);

static CHECKPOINTED: Unit = unit_of(
    "checkpointed",
    "fn @checkpointed<N>(%x: float[N], %w: param float[N]) -> float[] {
  %2 = call @block<N = N> checkpoint (%x, %w) -> float[N]
  %3 = call @block<N = N> checkpoint (%2, %w) -> float[N]
  %4 = sum %3 axes [0]
  return %4
}",
    &[("block", &BLOCK)],
);

fn count(function: &Function, op: &str) -> usize {
    let mut found = 0;
    function.body.each_inst(&mut |inst| {
        found += usize::from(inst.op().is_some_and(|i| i.op.name == op));
    });
    found
}

#[test]
fn a_checkpoint_is_computed_again_in_the_pullback() -> Outcome {
    let binding = binding(&[("N", 2)]);
    let plain = link_gradient(&PLAIN, &binding, &|_| true)?;
    let again = link_gradient(&CHECKPOINTED, &binding, &|_| true)?;
    assert_eq!(
        (count(&plain.program, "exp"), count(&plain.program, "tanh")),
        (2, 2)
    );
    // What the forward pass computes between operands and results, nothing else uses.
    assert_eq!(
        (count(&again.program, "exp"), count(&again.program, "tanh")),
        (4, 4)
    );
    assert_eq!(plain.gradients, again.gradients);
    let inputs = [vector(&[0.5, -1.0]), vector(&[0.2, 0.3])];
    let expected = interpret(&plain.program, &inputs)?;
    for (found, expected) in interpret(&again.program, &inputs)?.iter().zip(&expected) {
        assert_same(found, expected);
    }
    // The forward program alone computes nothing twice.
    assert_eq!(count(&link(&CHECKPOINTED, &binding)?, "tanh"), 2);
    Ok(())
}

/// A checkpoint in a loop, and a loop in what is computed again: its stacks are those of the second
/// time, not of the first.
#[test]
fn a_loop_that_is_computed_again_keeps_its_own_stacks() -> Outcome {
    const ROWS: &str = "fn @rows<N, K>(%x: float[N], %w: param float[N]) -> float[N] {
  %2 = call @block<N = N> loop K (carried %x, %w) -> carried float[N]
  return %2
}";
    static ROWS_UNIT: Unit = unit_of("rows", ROWS, &[("block", &BLOCK)]);
    const AGAIN: &str = "fn @again<N, K>(%x: float[N], %w: param float[N]) -> float[N] {
  %2 = call @rows<N = N, K = K> checkpoint (%x, %w) -> float[N]
  return %2
}";
    static AGAIN_UNIT: Unit = unit_of("again", AGAIN, &[("rows", &ROWS_UNIT)]);
    static KEPT: Unit = unit_of(
        "kept",
        "fn @kept<N, K, T>(%x: float[N], %w: param float[N]) -> float[N] {
  %2 = call @rows<N = N, K = K> loop T (carried %x, %w) -> carried float[N]
  return %2
}",
        &[("rows", &ROWS_UNIT)],
    );
    static REPEATED: Unit = unit_of(
        "repeated",
        "fn @repeated<N, K, T>(%x: float[N], %w: param float[N]) -> float[N] {
  %2 = call @again<N = N, K = K> loop T (carried %x, %w) -> carried float[N]
  return %2
}",
        &[("again", &AGAIN_UNIT)],
    );
    let binding = binding(&[("N", 2), ("K", 3), ("T", 2)]);
    let kept = link_pullback(&KEPT, &binding, &|_| true)?;
    let again = link_pullback(&REPEATED, &binding, &|_| true)?;
    // The outer loop stacks nothing but what is carried into the checkpoint.
    let Some(Inst::Loop(forward)) = again.program.body.insts.first() else {
        return Err("it starts with a loop".into());
    };
    assert_eq!(forward.stacked.len(), 1, "{}", again.program);
    let inputs = [
        vector(&[0.5, -1.0]),
        vector(&[0.2, 0.3]),
        vector(&[1.0, -2.0]),
    ];
    let expected = interpret(&kept.program, &inputs)?;
    for (found, expected) in interpret(&again.program, &inputs)?.iter().zip(&expected) {
        assert_same(found, expected);
    }
    Ok(())
}

/// Rounds, with the slope of the identity: what its author wants, and no op's derivative is. The
/// gradient of `scale` is left out.
static STRAIGHT: Unit = unit_of(
    "straight",
    "fn @straight<N>(%x: float[N], %scale: float[N]) -> float[N], float[N] {
  %2 = mul %x, %scale
  %3 = floor %2
  %4 = mul %2, %2
  return %3, %4
}
written pullback(%5: float[N], %6: float[N]) {
  %7 = const value 10 dtype float shape [N]
  %8 = mul %6, %7
  %9 = add %5, %8
  return %x: %9
}",
    &[],
);

static USER: Unit = unit_of(
    "user",
    "fn @user<N>(%x: param float[N], %scale: param float[N]) -> float[] {
  %2 = mul %x, %x
  %3, %4 = call @straight<N = N>(%2, %scale) -> float[N], float[N]
  %5 = sum %3 axes [0]
  return %5
}
pullback(%6: float[]) {
  %7 = broadcast %6 shape [N] new [0]
  %8, %9 = pullback %3(%7, _) of [0, 1]
  %10 = mul %8, %x
  %11 = add %10, %10
  return %x: %11, %scale: %9
}",
    &[("straight", &STRAIGHT)],
);

/// A derived pullback would be zero; one result without a cotangent is no reason to derive one.
#[test]
fn a_pullback_written_by_hand_is_never_replaced() -> Outcome {
    let made = link_gradient(&USER, &binding(&[("N", 2)]), &|_| true)?;
    let x = vector(&[1.5, -2.0]);
    let results = interpret(&made.program, &[x, vector(&[1.0, 1.0])])?;
    assert_eq!(made.gradients, [Some(1), None], "it gives none of scale");
    assert_same(&results[1], &vector(&[3.0, -4.0]));

    let mut straight = parse(STRAIGHT.text)?;
    let before = straight.clone();
    derive_pullback(&mut straight, &|_| None)?;
    assert_eq!(straight, before);
    assert_eq!(parse(&straight.to_string())?, straight);
    assert_eq!(
        inline(&STRAIGHT)?.pullback.map(|p| p.origin),
        Some(sinew_ir::Origin::Written)
    );
    Ok(())
}

static CUBE: Unit = unit_of(
    "cube",
    "fn @cube<N>(%x: float[N], %w: float[N]) -> float[N] {
  %2 = mul %x, %x
  %3 = mul %2, %x
  %4 = mul %3, %w
  return %4
}",
    &[],
);

/// The slope of the cube: 3 w x^2, by the cube's pullback.
static SLOPE: Unit = unit_of(
    "slope",
    "fn @slope<N>(%x: float[N], %w: float[N]) -> float[N] {
  %2 = call @cube<N = N>(%x, %w) -> float[N]
  %3 = const value 1 dtype float shape [N]
  %4 = pullback %2(%3) of [0]
  return %4
}",
    &[("cube", &CUBE)],
);

static BENT: Unit = unit_of(
    "bent",
    "fn @bent<N>(%x: float[N], %w: param float[N]) -> float[N] {
  %2 = call @slope<N = N>(%x, %w) -> float[N]
  %3 = const value 1 dtype float shape [N]
  %4 = pullback %2(%3) of [0]
  return %4
}",
    &[("slope", &SLOPE)],
);

#[test]
fn the_pullback_of_a_pullback_is_derived_where_calls_are_inlined() -> Outcome {
    let mut slope = parse(SLOPE.text)?;
    derive_pullback(&mut slope, &|_| {
        Some(sinew_ir::CalleeInfo {
            depends: vec![vec![true, true]],
            kept: Vec::new(),
        })
    })?;
    assert_eq!(slope.pullback, None, "it waits for the linker");

    let (x, w) = (vector(&[0.5, -2.0]), vector(&[2.0, 3.0]));
    let one = vector(&[1.0, 1.0]);
    let by = |f: fn(f64, f64) -> f64| -> Array {
        let pairs = x.data.iter().zip(&w.data);
        vector(&pairs.map(|(x, w)| f(*x, *w)).collect::<Vec<_>>())
    };
    let binding = binding(&[("N", 2)]);
    for (unit, value, in_x, in_w) in [
        (
            &SLOPE,
            by(|x, w| 3.0 * w * x * x),
            by(|x, w| 6.0 * w * x),
            by(|x, _| 3.0 * x * x),
        ),
        (
            &BENT,
            by(|x, w| 6.0 * w * x),
            by(|_, w| 6.0 * w),
            by(|x, _| 6.0 * x),
        ),
    ] {
        let made = link_pullback(unit, &binding, &|_| true)?;
        let results = interpret(&made.program, &[x.clone(), w.clone(), one.clone()])?;
        assert_same(&results[0], &value);
        let at = |i: usize| made.gradients[i].ok_or("each has one");
        assert_same(&results[at(0)?], &in_x);
        assert_same(&results[at(1)?], &in_w);
    }
    Ok(())
}

/// The slope, in each iteration of a loop.
static SLOPES: Unit = unit_of(
    "slopes",
    "fn @slopes<N, T>(%x: float[N], %w: float[T, N]) -> float[N] {
  %2 = call @slope<N = N> loop T (carried %x, sliced %w) -> carried float[N]
  return %2
}",
    &[("slope", &SLOPE)],
);

/// The slope through the loop of slopes, and its own pullback: flat functions hold loops.
static CURVE: Unit = unit_of(
    "curve",
    "fn @curve<N, T>(%x: float[N], %w: float[T, N]) -> float[N] {
  %2 = call @slopes<N = N, T = T>(%x, %w) -> float[N]
  %3 = const value 1 dtype float shape [N]
  %4 = pullback %2(%3) of [0]
  return %4
}",
    &[("slopes", &SLOPES)],
);

#[test]
fn a_loop_in_a_pullback_has_a_pullback() -> Outcome {
    let binding = binding(&[("N", 1), ("T", 2)]);
    let made = link_pullback(&CURVE, &binding, &|_| true)?;
    let (x, v, w) = (0.7_f64, 0.3_f64, 0.2_f64);
    let weights = Array {
        dtype: DType::F64,
        shape: vec![2, 1],
        data: vec![v, w],
    };
    let results = interpret(&made.program, &[vector(&[x]), weights, vector(&[1.0])])?;
    // 3 w (3 v x^2)^2 = 27 w v^2 x^4: slope 108 w v^2 x^3, and what that depends on.
    assert_same(&results[0], &vector(&[108.0 * w * v * v * x.powi(3)]));
    let at = |i: usize| made.gradients[i].ok_or("each has one");
    assert_same(&results[at(0)?], &vector(&[324.0 * w * v * v * x * x]));
    let expected = [216.0 * w * v * x.powi(3), 108.0 * v * v * x.powi(3)];
    assert_eq!(
        difference(
            &vector(&results[at(1)?].data),
            &vector(&expected),
            1e-12,
            0.0
        ),
        None
    );
    Ok(())
}

#[test]
fn a_loop_that_does_not_fit_its_body_is_told() -> Outcome {
    let cases: [(&'static str, &str); 5] = [
        (
            "fn @f<N, T>(%x: float[N], %w: float[T, N]) -> float[N] {
  %2 = call @cube<N = N> loop T (carried %x, %w) -> carried float[N]
  return %2
}",
            "the type of an argument differs",
        ),
        (
            "fn @f<N, T>(%x: float[N], %w: float[T, N]) -> float[N] {
  %2 = call @cube<N = N> loop T (carried %x, sliced %w, index) -> carried float[N]
  return %2
}",
            "the number of arguments differs",
        ),
        (
            "fn @f<N, T>(%x: float[N], %w: float[T, N]) -> float[N], float[T, N] {
  %2, %3 = call @cube<N = N> loop T (carried %x, sliced %w) -> carried float[N], stacked float[T, N]
  return %2, %3
}",
            "the number of results differs",
        ),
        (
            "fn @f<N, T>(%x: float[N], %w: float[T, N]) -> float[T, 2] {
  %2 = call @cube<N = N> loop T (%x, sliced %w) -> stacked float[T, 2]
  return %2
}",
            "the type of a result differs",
        ),
        (
            "fn @f<N, T>(%x: float[3], %w: float[T, 3]) -> float[3] {
  %2 = call @cube<N = N> loop T (carried %x, sliced %w) -> carried float[3]
  return %2
}",
            "the type of an argument differs",
        ),
    ];
    for (text, what) in cases {
        static CALLEES: [(&str, &Unit); 1] = [("cube", &CUBE)];
        let unit = Unit {
            path: "f",
            file: "src/net.rs",
            text,
            callees: &CALLEES,
            consts: &[],
        };
        let error = link(&unit, &binding(&[("N", 4), ("T", 2)]));
        match error {
            Err(LinkError::Call { what: found, .. }) => assert_eq!(found, what, "{text}"),
            other => panic!("{other:?} of\n{text}"),
        }
    }
    Ok(())
}

/// A leading sequence shifts the axes that slices and stacks are along.
#[test]
fn slices_behind_a_sequence_are_counted_behind_it() -> Outcome {
    static HALF: Unit = unit_of(
        "half",
        "fn @half<[S]>(%a: float[[S]], %x: float[[S]]) -> float[[S]], float[[S]] {
  %2 = add %a, %x
  %3 = mul %2, %x
  return %2, %3
}",
        &[],
    );
    static SCAN: Unit = unit_of(
        "scan",
        "fn @scan<[S], T>(%a: float[[S]], %x: float[[S], T]) -> float[[S]], float[[S], T] {
  %2, %3 = call @half<[S] = [[S]]> loop T (carried %a, sliced %x) -> carried float[[S]], stacked float[[S], T]
  return %2, %3
}",
        &[("half", &HALF)],
    );
    let mut binding = binding(&[("T", 3)]);
    binding.sequence = Some(vec![2, 1]);
    let made = link_pullback(&SCAN, &binding, &|_| true)?;
    let array = |shape: &[usize], data: &[f64]| Array::new(DType::F64, shape, data.to_vec());
    let inputs: Option<Vec<Array>> = [
        array(&[2, 1], &[0.0, 10.0]),
        array(&[2, 1, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]),
        array(&[2, 1], &[0.0, 0.0]),
        array(&[2, 1, 3], &[1.0; 6]),
    ]
    .into_iter()
    .collect();
    let results = interpret(&made.program, &inputs.ok_or("they fit")?)?;
    assert_eq!(results[0].data, [6.0, 25.0]);
    assert_eq!(results[1].data, [1.0, 6.0, 18.0, 56.0, 95.0, 150.0]);
    let in_a = made.gradients[0].ok_or("it has one")?;
    assert_eq!(results[in_a].data, [6.0, 15.0]);
    // x_t is in every sum from t on, and is what sum t is multiplied by.
    let in_x = made.gradients[1].ok_or("it has one")?;
    assert_eq!(results[in_x].data, [7.0, 8.0, 9.0, 29.0, 30.0, 31.0]);
    Ok(())
}

/// Twenty loops in a row and six deep, of a hundred ops each: the passes' costs stay linear.
#[test]
fn long_and_deep_programs_link_in_no_time() -> Outcome {
    let leak = |s: String| -> &'static str { Box::leak(s.into_boxed_str()) };
    let mut text = String::from("fn @chain<N>(%x: float[N], %w: float[N]) -> float[N] {\n");
    let mut last = "%x".to_string();
    for i in 0..100 {
        let op = ["sigmoid %0", "mul %0, %w", "tanh %0", "add %0, %x"][i % 4];
        text += &format!("  %{} = {}\n", i + 2, op.replace("%0", &last));
        last = format!("%{}", i + 2);
    }
    text += &format!("  return {last}\n}}");
    let mut inner: &'static Unit = Box::leak(Box::new(unit_of("chain", leak(text), &[])));
    for depth in 0..6 {
        let name = leak(format!("depth{depth}"));
        let callee = inner.path;
        let mut text = format!("fn @{name}<N>(%x: float[N], %w: float[N]) -> float[N] {{\n");
        let calls = if depth == 5 { 5 } else { 1 };
        let mut last = "%x".to_string();
        for c in 0..calls {
            text += &format!(
                "  %{} = call @{callee}<N = N> loop 2 (carried {last}, %w) -> carried float[N]\n",
                c + 2
            );
            last = format!("%{}", c + 2);
        }
        text += &format!("  return {last}\n}}");
        let callees = Box::leak(vec![(callee, inner)].into_boxed_slice());
        inner = Box::leak(Box::new(unit_of(name, leak(text), callees)));
    }
    let both = || -> Result<(usize, Function), Box<dyn Error>> {
        let mut f = link_pullback(inner, &binding(&[("N", 3)]), &|_| true)?.program;
        let mut insts = 0;
        f.body.each_inst(&mut |_| insts += 1);
        derive_pullback(&mut f, &|_| None)?;
        let mut second = with_gradients(&f).ok_or("no calls are here")?;
        simplify(&mut second);
        Ok((insts, second))
    };
    let (insts, second) = within(Duration::from_secs(60), "loops six deep", both)?;
    assert!(insts > 1000, "{insts}");
    assert!(second.body.insts.iter().any(|i| matches!(i, Inst::Loop(_))));
    Ok(())
}
