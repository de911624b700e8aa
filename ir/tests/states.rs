//! States: threaded through calls, kept or changed, by loops too; derivatives through them are those of
//! the same function written without a call.

use sinew_ir::{
    Array, Binding, CalleeInfo, DType, Gradient, Unit, derive_pullback, interpret, link,
    link_gradient, link_pullback, parse, verify,
};
use sinew_testing::{difference, unit as leaf};
use std::error::Error;

type Outcome = Result<(), Box<dyn Error>>;

/// A unit as the macro makes it: its callees' bodies are not known where its pullback is derived.
fn unit(
    text: &str,
    callees: &[(&'static str, &'static Unit, CalleeInfo)],
) -> Result<&'static Unit, Box<dyn Error>> {
    let mut function = parse(text)?;
    derive_pullback(&mut function, &|name| {
        let mut known = callees.iter().filter(|(n, ..)| *n == name);
        known.next().map(|(_, _, info)| info.clone())
    })?;
    verify(&function)?;
    let made = leaf(&function);
    let callees: Vec<_> = callees
        .iter()
        .map(|(name, unit, _)| (*name, *unit))
        .collect();
    Ok(Box::leak(Box::new(Unit {
        path: made.path,
        file: made.file,
        text: made.text,
        callees: Box::leak(callees.into_boxed_slice()),
        consts: made.consts,
    })))
}

/// What the macro assumes of a unit that is called.
fn assumed(unit: &Unit) -> Result<CalleeInfo, Box<dyn Error>> {
    let f = unit.function()?;
    let types = |values: &[sinew_ir::Value]| values.iter().map(|v| f.type_of(*v).clone()).collect();
    let (params, results): (Vec<_>, Vec<_>) = (types(&f.body.params), types(&f.body.results));
    let from = f.returned().len();
    let states = f.states.iter().enumerate().map(|(i, p)| (from + i, *p));
    Ok(CalleeInfo::assumed(params.iter(), results.iter()).keeping(states.collect()))
}

fn binding(sizes: &[(&str, usize)]) -> Binding {
    let each = sizes.iter();
    each.fold(Binding::new(DType::F64), |b, (s, n)| b.with(s, *n))
}

fn inputs(program: &sinew_ir::Function) -> Vec<Array> {
    let types = program.values.iter().take(program.params.len());
    let mut next = 0;
    let arrays = types.map(|t| {
        let shape = t.shape.extents().unwrap_or_default();
        let count = shape.iter().product();
        let mut data = Vec::with_capacity(count);
        for _ in 0..count {
            next += 1;
            data.push((f64::from(next) * 0.7).sin());
        }
        Array {
            dtype: t.dtype,
            shape,
            data,
        }
    });
    arrays.collect()
}

fn assert_same(found: &[Array], expected: &[Array], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        if let Some(difference) = difference(f, e, 1e-12, 1e-12) {
            panic!("{what}, {i}: {difference}");
        }
    }
}

/// The gradients of a program's parameters on [`inputs`], zeros where there is none.
fn gradients(made: &Gradient) -> Result<Vec<Array>, Box<dyn Error>> {
    let given = inputs(&made.program);
    let results = interpret(&made.program, &given)?;
    let found = made.gradients.iter().zip(&given).map(|(at, x)| match at {
        Some(at) => results[*at].clone(),
        None => Array::filled(x.dtype, &x.shape, 0.0),
    });
    Ok(found.collect())
}

/// Reads its state, and gives it back as it was.
fn shifted() -> Result<&'static Unit, Box<dyn Error>> {
    unit(
        "fn @Norm::shifted<N>(%self: Norm { scale: param float[N], mean: state float[N] }, %x: float[N]) -> float[N] {
  %3 = sub %x, %self.mean
  %4 = mul %3, %self.scale
  %5 = tanh %4
  return %5, state %self.mean: %self.mean
}",
        &[],
    )
}

/// Reads its state, and changes it by what it is given.
fn running() -> Result<&'static Unit, Box<dyn Error>> {
    unit(
        "fn @Norm::running<N>(%self: Norm { scale: param float[N], mean: state float[N] }, %x: float[N]) -> float[N] {
  %3 = mul %x, %self.scale
  %4 = add %self.mean, %3
  %5 = mul %x, %4
  %6 = sin %5
  return %6, state %self.mean: %4
}",
        &[],
    )
}

/// Two calls, one behind the other, of a method.
fn twice(method: &'static Unit) -> Result<&'static Unit, Box<dyn Error>> {
    unit(
        "fn @twice<N>(%m: Norm { scale: param float[N], mean: state float[N] }, %x: float[N]) -> float[] {
  %3, %4 = call @method<N = N>(%m, %x) -> float[N], float[N]
  %5, %6 = call @method<N = N>(Norm {%m.scale, %4}, %3) -> float[N], float[N]
  %7 = sum %5 axes [0]
  return %7, state %m.mean: %6
}",
        &[("method", method, assumed(method)?)],
    )
}

#[test]
fn a_state_that_is_kept_is_no_result() -> Outcome {
    let f = twice(shifted()?)?;
    let program = link(f, &binding(&[("N", 3)]))?;
    assert!(program.states.is_empty());
    assert_eq!(program.body.results.len(), 1);
    Ok(())
}

/// The stored pullback is the one that is linked: it asks no callee for what goes past it.
#[test]
fn the_cotangent_of_a_state_that_is_kept_goes_past_the_call() -> Outcome {
    let f = twice(shifted()?)?;
    let text = f
        .text
        .split("pullback(")
        .nth(1)
        .ok_or("it has a pullback")?;
    assert!(text.contains("pullback %3(%"), "{text}");
    assert!(text.matches(", _) of").count() == 2, "{text}");
    let plain = unit(
        "fn @plain<N>(%m: Norm { scale: param float[N], mean: state float[N] }, %x: float[N]) -> float[] {
  %3 = sub %x, %m.mean
  %4 = mul %3, %m.scale
  %5 = tanh %4
  %6 = sub %5, %m.mean
  %7 = mul %6, %m.scale
  %8 = tanh %7
  %9 = sum %8 axes [0]
  return %9, state %m.mean: %m.mean
}",
        &[],
    )?;
    let binding = binding(&[("N", 3)]);
    let found = link_gradient(f, &binding, &|_| true)?;
    let expected = link_gradient(plain, &binding, &|_| true)?;
    assert_same(&gradients(&found)?, &gradients(&expected)?, "gradients");
    Ok(())
}

const PLAIN: &str = "fn @plain<N>(%m: Norm { scale: param float[N], mean: state float[N] }, %x: float[N]) -> float[] {
  %3 = mul %x, %m.scale
  %4 = add %m.mean, %3
  %5 = mul %x, %4
  %6 = sin %5
  %7 = mul %6, %m.scale
  %8 = add %4, %7
  %9 = mul %6, %8
  %10 = sin %9
  %11 = sum %10 axes [0]
  return %11, state %m.mean: %8
}";

#[test]
fn what_a_call_changes_the_next_one_reads() -> Outcome {
    let (f, plain) = (twice(running()?)?, unit(PLAIN, &[])?);
    let binding = binding(&[("N", 3)]);
    let (found, expected) = (link(f, &binding)?, link(plain, &binding)?);
    assert_eq!(found.states, [1]);
    let given = inputs(&found);
    let same = (interpret(&found, &given)?, interpret(&expected, &given)?);
    assert_same(&same.0, &same.1, "results and states");
    Ok(())
}

/// At expansion the state was taken for kept; the linker finds that it is not.
#[test]
fn derivatives_go_through_states_that_calls_change() -> Outcome {
    let (f, plain) = (twice(running()?)?, unit(PLAIN, &[])?);
    let binding = binding(&[("N", 3)]);
    let found = link_gradient(f, &binding, &|_| true)?;
    let expected = link_gradient(plain, &binding, &|_| true)?;
    assert_eq!(found.program.states, [1]);
    assert_eq!(found.results, 1);
    assert_same(&gradients(&found)?, &gradients(&expected)?, "gradients");
    // The same one function further out, which hands all of it on.
    let outer = unit(
        "fn @outer<N>(%m: Net { norm: Norm { scale: param float[N], mean: state float[N] } }, %x: float[N]) -> float[] {
  %3, %4 = call @twice<N = N>(%m.norm, %x) -> float[], float[N]
  %5, %6 = call @twice<N = N>(Norm {%m.norm.scale, %4}, %x) -> float[], float[N]
  return %5, state %m.norm.mean: %6
}",
        &[("twice", f, assumed(f)?)],
    )?;
    let plain = unit(
        "fn @outer<N>(%m: Norm { scale: param float[N], mean: state float[N] }, %x: float[N]) -> float[] {
  %3, %4 = call @plain<N = N>(%m, %x) -> float[], float[N]
  %5, %6 = call @plain<N = N>(Norm {%m.scale, %4}, %x) -> float[], float[N]
  return %5, state %m.mean: %6
}",
        &[("plain", plain, assumed(plain)?)],
    )?;
    let found = gradients(&link_gradient(outer, &binding, &|_| true)?)?;
    let expected = gradients(&link_gradient(plain, &binding, &|_| true)?)?;
    assert_same(&found, &expected, "gradients of the outer function");
    assert!(expected[0].data.iter().all(|g| *g != 0.0));
    Ok(())
}

/// A function whose text has no pullback, with its calls inlined to derive one, gives that of states too.
#[test]
fn a_checkpoint_and_a_choice_thread_states() -> Outcome {
    let (method, kept) = (running()?, shifted()?);
    let text = |mode: &str| {
        format!(
            "fn @twice<N>(%m: Norm {{ scale: param float[N], mean: state float[N] }}, %x: float[N]) -> float[] {{
  %3, %4 = call @method<N = N>{mode}(%m, %x) -> float[N], float[N]
  %5, %6 = call @method<N = N>{mode}(Norm {{%m.scale, %4}}, %3) -> float[N], float[N]
  %7 = sum %5 axes [0]
  return %7, state %m.mean: %6
}}"
        )
    };
    let callees = [
        ("method", method, assumed(method)?),
        ("kept", kept, assumed(kept)?),
    ];
    let plain = unit(&text(""), &callees)?;
    for mode in [" checkpoint ", " choice @kept<N = N> where 9 <= N "] {
        let f = unit(&text(mode), &callees)?;
        let binding = binding(&[("N", 3)]);
        let found = link_pullback(f, &binding, &|_| true)?;
        let expected = link_pullback(plain, &binding, &|_| true)?;
        assert_eq!(found.program.states, [1], "{mode}");
        assert_same(&gradients(&found)?, &gradients(&expected)?, mode);
    }
    Ok(())
}

/// A loop carries the state, which its body changes or keeps; and its unrolled form.
fn looped(
    method: &'static Unit,
    trip: usize,
) -> Result<(&'static Unit, &'static Unit), Box<dyn Error>> {
    let step = unit(
        "fn @step<N>(%i: i32[], %x: float[N], %m: Norm { scale: param float[N], mean: state float[N] }) -> float[N] {
  %4, %5 = call @method<N = N>(%m, %x) -> float[N], float[N]
  return %4, state %m.mean: %5
}",
        &[("method", method, assumed(method)?)],
    )?;
    let f = unit(
        "fn @all<N, T>(%m: Norm { scale: param float[N], mean: state float[N] }, %x: float[N]) -> float[] {
  %3, %4 = call @step<N = N> loop T (index, carried %x, Norm {%m.scale, carried %m.mean}) -> carried float[N], carried float[N]
  %5 = sum %3 axes [0]
  return %5, state %m.mean: %4
}",
        &[("step", step, assumed(step)?)],
    )?;
    let (mut x, mut state, mut next) = ("%x".to_string(), "%m.mean".to_string(), 3);
    let mut text = "fn @all<N, T>(%m: Norm { scale: param float[N], mean: state float[N] }, %x: float[N]) -> float[] {\n".to_string();
    for _ in 0..trip {
        let (y, now) = (format!("%{next}"), format!("%{}", next + 1));
        text += &format!(
            "{y}, {now} = call @method<N = N>(Norm {{%m.scale, {state}}}, {x}) -> float[N], float[N]\n"
        );
        (x, state, next) = (y, now, next + 2);
    }
    text += &format!("%{next} = sum {x} axes [0]\nreturn %{next}, state %m.mean: {state}\n}}");
    let unrolled = unit(&text, &[("method", method, assumed(method)?)])?;
    Ok((f, unrolled))
}

#[test]
fn loops_carry_states() -> Outcome {
    for trip in [0, 1, 2, 7] {
        for (method, changes) in [(running()?, trip > 0), (shifted()?, false)] {
            let (f, unrolled) = looped(method, trip)?;
            let binding = binding(&[("N", 3), ("T", trip)]);
            let what = format!("{} {trip} times", method.path);
            let (a, b) = (link(f, &binding)?, link(unrolled, &binding)?);
            assert_eq!(a.states.len(), usize::from(changes), "{what}");
            let given = inputs(&a);
            assert_same(&interpret(&a, &given)?, &interpret(&b, &given)?, &what);
            let found = gradients(&link_pullback(f, &binding, &|_| true)?)?;
            let expected = gradients(&link_pullback(unrolled, &binding, &|_| true)?)?;
            assert_same(&found, &expected, &what);
        }
    }
    Ok(())
}

/// A stack of structs: each iteration has slices of all leaves, and the states' new values are stacked.
#[test]
fn loops_over_stacks_of_structs_stack_their_states() -> Outcome {
    for (method, changes) in [(running()?, 1), (shifted()?, 0)] {
        let step = unit(
            "fn @step<N>(%i: i32[], %x: float[N], %m: Norm { scale: param float[N], mean: state float[N] }) -> float[N] {
  %4, %5 = call @method<N = N>(%m, %x) -> float[N], float[N]
  return %4, state %m.mean: %5
}",
            &[("method", method, assumed(method)?)],
        )?;
        let f = unit(
            "fn @all<N, T>(%m: Net { layers: Norm { scale: param float[T, N], mean: state float[T, N] } }, %x: float[N]) -> float[] {
  %3, %4 = call @step<N = N> loop T (index, carried %x, sliced %m.layers) -> carried float[N], stacked float[T, N]
  %5 = sum %3 axes [0]
  return %5, state %m.layers.mean: %4
}",
            &[("step", step, assumed(step)?)],
        )?;
        let unrolled = unit(
            "fn @all<N, T>(%m: Net { layers: Norm { scale: param float[T, N], mean: state float[T, N] } }, %x: float[N]) -> float[], float[1, N], float[1, N] {
  %3 = slice %m.layers.scale axis [0] range [0, 1, 1]
  %4 = reshape %3 shape [N]
  %5 = slice %m.layers.mean axis [0] range [0, 1, 1]
  %6 = reshape %5 shape [N]
  %7 = slice %m.layers.scale axis [0] range [1, 2, 1]
  %8 = reshape %7 shape [N]
  %9 = slice %m.layers.mean axis [0] range [1, 2, 1]
  %10 = reshape %9 shape [N]
  %11, %12 = call @method<N = N>(Norm {%4, %6}, %x) -> float[N], float[N]
  %13, %14 = call @method<N = N>(Norm {%8, %10}, %11) -> float[N], float[N]
  %15 = reshape %12 shape [1, N]
  %16 = reshape %14 shape [1, N]
  %17 = sum %13 axes [0]
  return %17, %15, %16
}",
            &[("method", method, assumed(method)?)],
        )?;
        let binding = binding(&[("N", 3), ("T", 2)]);
        let (a, b) = (link(f, &binding)?, link(unrolled, &binding)?);
        assert_eq!(a.states.len(), changes);
        let given = inputs(&a);
        let (found, expected) = (interpret(&a, &given)?, interpret(&b, &given)?);
        assert_same(&found[..1], &expected[..1], "result");
        if changes == 1 {
            let rows = [&expected[1].data[..], &expected[2].data[..]].concat();
            assert_eq!(found[1].data, rows);
        }
        let found = gradients(&link_gradient(f, &binding, &|_| true)?)?;
        let summed = sum_of_first(unrolled, &binding)?;
        assert_same(&found, &summed, "gradients");
    }
    Ok(())
}

/// Gradients of the first result alone, by a cotangent of one for it and of zero for the others.
fn sum_of_first(unit: &Unit, binding: &Binding) -> Result<Vec<Array>, Box<dyn Error>> {
    let made = link_pullback(unit, binding, &|_| true)?;
    let mut given = inputs(&made.program);
    let params = made.gradients.len();
    for (i, x) in given[params..].iter_mut().enumerate() {
        x.data.fill(if i == 0 { 1.0 } else { 0.0 });
    }
    let results = interpret(&made.program, &given)?;
    let found = made.gradients.iter().zip(&given).map(|(at, x)| match at {
        Some(at) => results[*at].clone(),
        None => Array::filled(x.dtype, &x.shape, 0.0),
    });
    Ok(found.collect())
}
