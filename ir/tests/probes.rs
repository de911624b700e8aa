//! Places that runs look at, or whose value they replace: in calls, loops, and under derivatives.

use sinew_ir::{
    Array, Binding, DType, LinkError, Probed, Probes, Unit, interpret, link, link_gradient,
    link_gradient_probed, link_probed, parse, verify,
};
use sinew_testing::unit_of;
use std::error::Error;

type Outcome = Result<(), Box<dyn Error>>;

fn array(shape: &[usize], data: &[f64]) -> Array {
    Array {
        dtype: DType::F64,
        shape: shape.to_vec(),
        data: data.to_vec(),
    }
}

fn asked(captured: &[&str], patched: &[&str]) -> Probes {
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    Probes {
        captured: names(captured),
        patched: names(patched),
    }
}

fn probed(unit: &Unit, probes: &Probes) -> Result<Probed, LinkError> {
    link_probed(unit, &Binding::new(DType::F64), probes)
}

/// A square, named; of what may be replaced.
static SQUARE: Unit = unit_of(
    "square",
    "fn @square(%x: float[2]) -> float[2] {
  %1 = patch %x name x
  %2 = mul %1, %1
  %3 = capture %2 name square
  return %2
}",
    &[],
);

static TWICE: Unit = unit_of(
    "twice",
    "fn @twice(%x: float[2]) -> float[2] {
  %1 = call @square(%x) -> float[2]
  %2 = call @square(%1) -> float[2]
  %3 = capture %2 name last.one
  return %2
}",
    &[("square", &SQUARE)],
);

#[test]
fn places_read_back_as_printed() -> Outcome {
    for unit in [&SQUARE, &TWICE] {
        let f = parse(unit.text)?;
        verify(&f)?;
        assert_eq!(parse(&f.to_string())?, f);
    }
    Ok(())
}

#[test]
fn nothing_is_left_of_what_no_run_asks_for() -> Outcome {
    let program = link(&TWICE, &Binding::new(DType::F64))?;
    let text = program.to_string();
    assert_eq!(program.body.insts.len(), 2, "{text}");
    assert_eq!(program.body.results.len(), 1, "{text}");
    Ok(())
}

#[test]
fn places_of_one_name_are_numbered_in_the_order_of_the_program() -> Outcome {
    let x = array(&[2], &[2.0, 3.0]);
    let found = probed(&TWICE, &asked(&["square.1", "last.one", "square.0"], &[]))?;
    assert_eq!(found.captured, ["square.0", "square.1", "last.one"]);
    let results = interpret(&found.program, std::slice::from_ref(&x))?;
    let data: Vec<&[f64]> = results.iter().map(|r| r.data.as_slice()).collect();
    assert_eq!(data, [[16.0, 81.0], [4.0, 9.0], [16.0, 81.0], [16.0, 81.0]]);

    let found = probed(&TWICE, &asked(&["square.1"], &["x.1"]))?;
    assert_eq!(found.patched, ["x.1"]);
    let given = array(&[2], &[5.0, 6.0]);
    let results = interpret(&found.program, &[x, given])?;
    assert_eq!(results[0].data, [25.0, 36.0]);
    assert_eq!(results[1].data, [25.0, 36.0]);
    Ok(())
}

#[test]
fn names_that_are_not_there_are_told_with_those_that_are() {
    let error = probed(&TWICE, &asked(&["squares"], &[])).expect_err("it is not there");
    let message = "`twice` captures no `squares`: it has `square.0`, `square.1`, `last.one`";
    assert_eq!(error.to_string(), message);
    let error = probed(&TWICE, &asked(&[], &["square.0"])).expect_err("it is not there");
    let message = "`twice` can replace no `square.0`: it has `x.0`, `x.1`";
    assert_eq!(error.to_string(), message);
}

/// Adds a slice to what is carried: `c + x[i]`, after it is doubled.
static STEP: Unit = unit_of(
    "step",
    "fn @step(%c: float[2], %x: float[2]) -> float[2] {
  %2 = add %c, %x
  %3 = capture %2 name before
  %4 = patch %3 name sum
  %5 = add %4, %4
  return %5
}",
    &[],
);

static LOOPED: Unit = unit_of(
    "looped",
    "fn @looped(%c: float[2], %x: float[3, 2]) -> float[2] {
  %2 = call @step loop 3 (carried %c, sliced %x) -> carried float[2]
  return %2
}",
    &[("step", &STEP)],
);

static OUTER: Unit = unit_of(
    "outer",
    "fn @outer(%c: float[2], %x: float[2, 3, 2]) -> float[2] {
  %2 = call @looped loop 2 (carried %c, sliced %x) -> carried float[2]
  return %2
}",
    &[("looped", &LOOPED)],
);

#[test]
fn in_loops_there_is_a_slice_of_each_iteration() -> Outcome {
    let c = array(&[2], &[1.0, 0.0]);
    let x = array(
        &[2, 3, 2],
        &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0],
    );
    let plain = link(&OUTER, &Binding::new(DType::F64))?;
    let expected = interpret(&plain, &[c.clone(), x.clone()])?;
    let found = probed(&OUTER, &asked(&["before"], &[]))?;
    let results = interpret(&found.program, &[c.clone(), x.clone()])?;
    assert_eq!(results[0], expected[0]);
    let mut carried = [1.0, 0.0];
    let mut before = Vec::new();
    for row in x.data.chunks(2) {
        for (c, x) in carried.iter_mut().zip(row) {
            *c += x;
            before.push(*c);
            *c *= 2.0;
        }
    }
    // The order of rows, in each of which both elements stand.
    assert_eq!(results[1].shape, [2, 3, 2]);
    assert_eq!(results[1].data, before);

    let given: Vec<f64> = (0..12).map(f64::from).collect();
    let found = probed(&OUTER, &asked(&["before"], &["sum"]))?;
    let results = interpret(&found.program, &[c, x.clone(), array(&[2, 3, 2], &given)])?;
    assert_eq!(results[0].data, [20.0, 22.0]);
    let first: Vec<f64> = (0..2).map(|i| [1.0, 0.0][i] + x.data[i]).collect();
    assert_eq!(results[1].data[..2], first);
    let next: Vec<f64> = (2..12).map(|i| 2.0 * given[i - 2] + x.data[i]).collect();
    assert_eq!(results[1].data[2..], next);
    Ok(())
}

/// The derivative of a square, by a pullback in the body.
static SLOPE: Unit = unit_of(
    "slope",
    "fn @slope(%x: float[2]) -> float[2], float[2] {
  %1 = call @square(%x) -> float[2]
  %2 = const value 1 dtype float shape [2]
  %3 = pullback %1(%2) of [0]
  return %1, %3
}",
    &[("square", &SQUARE)],
);

#[test]
fn nothing_depends_on_what_is_replaced() -> Outcome {
    let x = array(&[2], &[2.0, 3.0]);
    let plain = probed(&SLOPE, &asked(&["square"], &[]))?;
    let results = interpret(&plain.program, std::slice::from_ref(&x))?;
    assert_eq!(results[1].data, [4.0, 6.0]);
    assert_eq!(results[2].data, [4.0, 9.0]);
    let found = probed(&SLOPE, &asked(&[], &["x"]))?;
    let results = interpret(&found.program, &[x, array(&[2], &[5.0, 6.0])])?;
    assert_eq!(results[0].data, [25.0, 36.0]);
    assert_eq!(results[1].data, [0.0, 0.0]);
    Ok(())
}

static LOSS: Unit = unit_of(
    "loss",
    "fn @loss(%x: float[2]) -> float[] {
  %1 = call @square checkpoint (%x) -> float[2]
  %2 = sum %1 axes [0]
  return %2
}",
    &[("square", &SQUARE)],
);

#[test]
fn gradients_go_through_places() -> Outcome {
    let found = link_gradient(&LOSS, &Binding::new(DType::F64), &|_| true)?;
    let results = interpret(&found.program, &[array(&[2], &[2.0, 3.0])])?;
    assert_eq!(results[1].data, [4.0, 6.0]);
    Ok(())
}

/// What the reverse computes again has no number of its own; gradients stand behind what is captured.
#[test]
fn gradients_have_the_places_of_runs() -> Outcome {
    let binding = Binding::new(DType::F64);
    let names = ["square".to_string()];
    let found = link_gradient_probed(&LOSS, &binding, &|_| true, &names)?;
    assert_eq!(found.captured, names);
    assert_eq!((found.results, &found.gradients[..]), (2, &[Some(2)][..]));
    let results = interpret(&found.program, &[array(&[2], &[2.0, 3.0])])?;
    assert_eq!(results[0].data, [13.0]);
    assert_eq!(results[1].data, [4.0, 9.0]);
    assert_eq!(results[2].data, [4.0, 6.0]);
    let error = link_gradient_probed(&LOSS, &binding, &|_| true, &["other".to_string()]);
    let words = error.map(|_| ()).map_err(|e| e.to_string());
    assert_eq!(
        words,
        Err("`loss` captures no `other`: it has `square`".to_string())
    );
    Ok(())
}
