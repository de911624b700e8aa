//! Loops, choices, checkpoints and pullbacks in each other, one program a test: what random programs found,
//! or cannot have.

use sinew_ir::{
    Array, Binding, DType, IndexBound, LinkError, Unit, dependence, index_bounds, interpret, link,
    link_gradient, link_pullback,
};
use sinew_testing::{difference, leaked};
use std::error::Error;

type Outcome = Result<(), Box<dyn Error>>;

fn binding(sizes: &[(&str, usize)]) -> Binding {
    let each = sizes.iter();
    each.fold(Binding::new(DType::F64), |b, (s, n)| b.with(s, *n))
}

fn array(shape: &[usize], data: &[f64]) -> Array {
    Array::new(DType::F64, shape, data.to_vec()).expect("as many elements as the shape has")
}

fn assert_same(found: &Array, expected: &Array) {
    assert_eq!(difference(found, expected, 1e-12, 1e-12), None);
}

/// The results and the gradients of all parameters of a unit; zeros where there is none.
fn pulled_back(
    unit: &'static Unit,
    binding: &Binding,
    inputs: &[Array],
) -> Result<(Vec<Array>, Vec<Array>), Box<dyn Error>> {
    let made = link_pullback(unit, binding, &|_| true)?;
    let mut results = interpret(&made.program, inputs)?;
    let gradient = |(i, at): (usize, &Option<usize>)| match at {
        Some(at) => results[*at].clone(),
        None => Array::filled(DType::F64, &inputs[i].shape, 0.0),
    };
    let gradients = made.gradients.iter().enumerate().map(gradient).collect();
    results.truncate(made.results);
    Ok((results, gradients))
}

/// Of no iterations the result is what came in, and so is its cotangent: though an iteration would not
/// look at it.
#[test]
fn what_is_carried_and_forgotten_has_a_gradient_where_nothing_turns() -> Outcome {
    let body = leaked(
        "body",
        "fn @body<N>(%h: float[N]) -> float[N] {
  %1 = const value 3 dtype float shape [N]
  return %1
}",
        &[],
    );
    let run = leaked(
        "run",
        "fn @run<N, T>(%h: float[N]) -> float[N] {
  %1 = call @body<N = N> loop T (carried %h) -> carried float[N]
  return %1
}",
        &[("body", body)],
    );
    let inputs = [array(&[2], &[5.0, 7.0]), array(&[2], &[1.0, -2.0])];
    for (trip, value, slope) in [(0, [5.0, 7.0], [1.0, -2.0]), (2, [3.0, 3.0], [0.0, 0.0])] {
        let binding = binding(&[("N", 2), ("T", trip)]);
        let (results, gradients) = pulled_back(run, &binding, &inputs)?;
        assert_same(&results[0], &array(&[2], &value));
        assert_same(&gradients[0], &array(&[2], &slope));
    }
    Ok(())
}

/// `for t in 2..T` where `T` is 1.
#[test]
fn a_range_that_ends_before_it_starts_is_told() {
    let body = leaked(
        "body",
        "fn @body(%h: float[]) -> float[] {
  return %h
}",
        &[],
    );
    let run = leaked(
        "run",
        "fn @run<T>(%h: float[]) -> float[] {
  %1 = call @body loop T - 2 (carried %h) -> carried float[]
  return %1
}",
        &[("body", body)],
    );
    let Err(error) = link(run, &binding(&[("T", 1)])) else {
        panic!("a loop of -1 iterations was linked");
    };
    let wanted = "`run` has `T - 2` iterations, which is -1 for these sizes: its range ends before it starts";
    assert!(error.to_string().ends_with(wanted), "{error}");
}

/// The body's sequence is the caller's with a size behind it, and each iteration's with another.
#[test]
fn sequences_grow_through_calls_and_loops() -> Outcome {
    let scaled = leaked(
        "scaled",
        "fn @scaled<[S]>(%x: float[[S]], %y: float[[S]]) -> float[[S]] {
  %2 = mul %x, %y
  return %2
}",
        &[],
    );
    let step = leaked(
        "step",
        "fn @step<[S], N>(%h: float[[S], N], %x: float[[S], N]) -> float[[S], N] {
  %2 = call @scaled<[S] = [[S], N]>(%h, %x) -> float[[S], N]
  return %2
}",
        &[("scaled", scaled)],
    );
    let run = leaked(
        "run",
        "fn @run<[S], N, T>(%h: float[[S], N], %x: float[[S], N, T]) -> float[[S], N], float[T, T] {
  %2 = call @step<[S] = [[S]], N = N> loop T backward (carried %h, sliced %x axis 1) -> carried float[[S], N]
  %3 = sum %x axes [S, -2]
  %4 = call @scaled<[S] = [T]> loop T (%3, %3) -> stacked float[T, T]
  return %2, %4
}",
        &[("step", step), ("scaled", scaled)],
    );
    for sequence in [&[][..], &[2], &[1, 2]] {
        let mut shape = sequence.to_vec();
        shape.push(1);
        let count: usize = shape.iter().product();
        let h = array(&shape, &[3.0, -1.0][..count]);
        let mut whole = shape.clone();
        whole.push(2);
        let x = array(&whole, &[2.0, 5.0, 4.0, -3.0][..2 * count]);
        let ones = Array::filled(DType::F64, &shape, 1.0);
        let none = Array::filled(DType::F64, &[2, 2], 0.0);
        let binding = binding(&[("N", 1), ("T", 2)]).with_sequence(sequence);
        let (results, gradients) = pulled_back(run, &binding, &[h, x, ones, none])?;
        assert_same(&results[0], &array(&shape, &[30.0, 12.0][..count]));
        let sums = match count {
            1 => [4.0, 25.0],
            _ => [36.0, 4.0],
        };
        assert_same(&results[1], &array(&[2, 2], &[sums, sums].concat()));
        let by_h = &[10.0, -12.0][..count];
        assert_same(&gradients[0], &array(&shape, by_h));
        let by_x = &[15.0, 6.0, 3.0, -4.0][..2 * count];
        assert_same(&gradients[1], &array(&whole, by_x));
    }
    Ok(())
}

/// Ten times what the derivative of the identity is.
fn tenfold() -> &'static Unit {
    leaked(
        "tenfold",
        "fn @tenfold<N>(%x: float[N], %w: float[N]) -> float[N] {
  return %x
}
written pullback(%2: float[N]) {
  %3 = const value 10 dtype float shape [N]
  %4 = mul %2, %3
  return %x: %4
}",
        &[],
    )
}

#[test]
fn a_pullback_by_hand_holds_in_loops_and_checkpoints() -> Outcome {
    let block = leaked(
        "block",
        "fn @block<N>(%x: float[N], %w: float[N]) -> float[N] {
  %2 = call @tenfold<N = N> checkpoint (%x, %w) -> float[N]
  %3 = mul %2, %w
  return %3
}",
        &[("tenfold", tenfold())],
    );
    let run = leaked(
        "run",
        "fn @run<N, T>(%x: float[N], %w: float[N]) -> float[N] {
  %2 = call @block<N = N> loop T (carried %x, %w) -> carried float[N]
  %3 = call @tenfold<N = N> loop 2 (carried %2, %w) -> carried float[N]
  return %3
}",
        &[("block", block), ("tenfold", tenfold())],
    );
    let (x, w, one) = (
        array(&[1], &[2.0]),
        array(&[1], &[0.5]),
        array(&[1], &[1.0]),
    );
    let binding = binding(&[("N", 1), ("T", 3)]);
    let (results, gradients) = pulled_back(run, &binding, &[x, w, one])?;
    assert_same(&results[0], &array(&[1], &[0.25]));
    // Five tens and w thrice; by w what stood before each of three products: 100, 1000, 10000 times.
    assert_same(&gradients[0], &array(&[1], &[12_500.0]));
    let by_w = 100.0 * (0.5 + 10.0 * 0.5 + 100.0 * 0.5);
    assert_same(&gradients[1], &array(&[1], &[by_w]));
    Ok(())
}

/// The slope of one of two functions, which the sizes choose.
fn chosen_slope() -> &'static Unit {
    let square = leaked(
        "square",
        "fn @square<N>(%x: float[N], %w: float[N]) -> float[N] {
  %2 = mul %x, %x
  return %2
}",
        &[],
    );
    let scaled = leaked(
        "scaled",
        "fn @scaled<N>(%x: float[N], %w: float[N]) -> float[N] {
  %2 = mul %x, %w
  %3 = mul %2, %w
  return %3
}",
        &[],
    );
    let choice = leaked(
        "choice",
        "fn @choice<N>(%x: float[N], %w: float[N]) -> float[N] {
  %2 = call @square<N = N> choice @scaled<N = N> where N <= 1 (%x, %w) -> float[N]
  return %2
}",
        &[("square", square), ("scaled", scaled)],
    );
    leaked(
        "slope",
        "fn @slope<N>(%x: float[N], %w: float[N]) -> float[N], float[N] {
  %2 = call @choice<N = N>(%x, %w) -> float[N]
  %3 = const value 1 dtype float shape [N]
  %4, %5 = pullback %2(%3) of [0, 1]
  return %4, %5
}",
        &[("choice", choice)],
    )
}

/// In symbols nobody knows which function it is the pullback of.
#[test]
fn a_pullback_in_a_body_waits_for_the_sizes_of_a_choice() -> Outcome {
    let run = leaked(
        "run",
        "fn @run<N, T>(%x: float[N], %w: float[N]) -> float[N], float[N] {
  %2, %3 = call @slope<N = N> loop T (%x, carried %w) -> stacked float[T, N], carried float[N]
  %4 = sum %2 axes [0]
  return %4, %3
}",
        &[("slope", chosen_slope())],
    );
    // The other function: the slope by x is w squared, that by w is 2 x w.
    let (x, w) = (array(&[1], &[3.0]), array(&[1], &[0.5]));
    let given = [x, w, array(&[1], &[1.0]), array(&[1], &[1.0])];
    let (results, gradients) = pulled_back(run, &binding(&[("N", 1), ("T", 2)]), &given)?;
    // w is 0.5, then 2 * 3 * 0.5, then 2 * 3 * 3.
    assert_same(&results[0], &array(&[1], &[0.25 + 9.0]));
    assert_same(&results[1], &array(&[1], &[18.0]));
    // The sum is w^2 + 4 x^2 w^2, and the last w 4 x^2 w.
    assert_same(
        &gradients[0],
        &array(&[1], &[8.0 * 3.0 * 0.25 + 8.0 * 3.0 * 0.5]),
    );
    assert_same(&gradients[1], &array(&[1], &[1.0 + 8.0 * 9.0 * 0.5 + 36.0]));

    // The first one does not look at w.
    let two = |x: f64| array(&[2], &[x, x]);
    let given = [two(3.0), two(0.5), two(1.0), two(1.0)];
    let (results, gradients) = pulled_back(run, &binding(&[("N", 2), ("T", 2)]), &given)?;
    assert_same(&results[0], &two(12.0));
    assert_same(&results[1], &two(0.0));
    assert_same(&gradients[0], &two(4.0));
    assert_same(&gradients[1], &two(0.0));
    assert!(dependence(run)?.depends[0][0]);
    Ok(())
}

#[test]
fn a_pullback_in_a_body_is_zero_where_nothing_depends() -> Outcome {
    let first = leaked(
        "first",
        "fn @first<N>(%x: float[N], %w: float[N]) -> float[N], float[N] {
  %2 = mul %x, %x
  return %2, %w
}",
        &[],
    );
    let slope = leaked(
        "slope",
        "fn @slope<N>(%x: float[N], %w: float[N]) -> float[N], float[N] {
  %2, %3 = call @first<N = N>(%x, %w) -> float[N], float[N]
  %4 = const value 1 dtype float shape [N]
  %5, %6 = pullback %2(%4, _) of [0, 1]
  return %5, %6
}",
        &[("first", first)],
    );
    let program = link(slope, &binding(&[("N", 1)]))?;
    let results = interpret(&program, &[array(&[1], &[3.0]), array(&[1], &[5.0])])?;
    assert_same(&results[0], &array(&[1], &[6.0]));
    assert_same(&results[1], &array(&[1], &[0.0]));
    Ok(())
}

macro_rules! recursive {
    ($($name:ident: $mode:literal)*) => {$(
        static $name: Unit = Unit {
            path: "around",
            file: "src/net.rs",
            text: concat!("fn @around<N>(%x: float[N]) -> float[N] {\n  %1 = call @around<N = N>", $mode, "\n  return %1\n}"),
            callees: &[("around", &$name)],
            consts: &[],
        };
    )*};
}

recursive! {
    IN_A_LOOP: " loop N (carried %x) -> carried float[N]"
    IN_A_CHECKPOINT: " checkpoint (%x) -> float[N]"
    IN_A_CHOICE: " choice @around<N = N> where N <= 1 (%x) -> float[N]"
    IN_A_PULLBACK: " (%x) -> float[N]\n  %2 = pullback %1(%x) of [0]"
}

#[test]
fn recursion_is_an_error_in_every_mode() {
    for unit in [&IN_A_LOOP, &IN_A_CHECKPOINT, &IN_A_CHOICE, &IN_A_PULLBACK] {
        let expected = LinkError::Recursion("around".into());
        let binding = binding(&[("N", 2)]);
        assert_eq!(link(unit, &binding), Err(expected.clone()));
        let gradient = link_gradient(unit, &binding, &|_| true).err();
        assert_eq!(gradient, Some(expected.clone()));
        assert_eq!(dependence(unit).err(), Some(expected));
    }
}

/// Two functions mean different sizes by one name, and one function is called with two.
#[test]
fn symbols_of_one_name_stay_apart_in_loops() -> Outcome {
    let inner = leaked(
        "inner",
        "fn @inner<N, T>(%x: float[N, T], %h: float[T]) -> float[T] {
  %2 = sum %x axes [0]
  %3 = mul %2, %h
  return %3
}",
        &[],
    );
    let run = leaked(
        "run",
        "fn @run<N, T>(%x: float[T, N], %h: float[N], %k: float[T]) -> float[N], float[T] {
  %3 = call @inner<N = T, T = N> loop N (%x, carried %h) -> carried float[N]
  %4 = permute %x axes [1, 0]
  %5 = call @inner<N = N, T = T> loop T (%4, carried %k) -> carried float[T]
  return %3, %5
}",
        &[("inner", inner)],
    );
    let x = array(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let (h, k) = (array(&[3], &[1.0, 1.0, 2.0]), array(&[2], &[1.0, -1.0]));
    let given = [
        x,
        h,
        k,
        array(&[3], &[0.0, 1.0, 0.0]),
        array(&[2], &[0.0, 0.0]),
    ];
    let (results, gradients) = pulled_back(run, &binding(&[("N", 3), ("T", 2)]), &given)?;
    assert_same(&results[0], &array(&[3], &[125.0, 343.0, 1458.0]));
    assert_same(&results[1], &array(&[2], &[36.0, -225.0]));
    // Of 7^3, by each of its two terms and by what comes in.
    let by_x = [0.0, 147.0, 0.0, 0.0, 147.0, 0.0];
    assert_same(&gradients[0], &array(&[2, 3], &by_x));
    assert_same(&gradients[1], &array(&[3], &[0.0, 343.0, 0.0]));
    Ok(())
}

/// Labels come to where they are indices through loops in loops, slices and what is carried.
#[test]
fn indices_have_bounds_through_loops_in_loops() -> Outcome {
    let pick = leaked(
        "pick",
        "fn @pick<N, C>(%table: float[C], %label: i32[N], %i: i32[N]) -> float[N], i32[N] {
  %3 = add %i, %label
  %4 = const value 2 dtype i32 shape [N]
  %5 = sub %label, %4
  %6 = take %table, %5 axis [0]
  return %6, %label
}",
        &[],
    );
    let inner = leaked(
        "inner",
        "fn @inner<N, C, T>(%table: float[C], %labels: i32[T, N], %carried: i32[N]) -> float[T, N], i32[N] {
  %3, %4 = call @pick<N = N, C = C> loop T (%table, sliced %labels, carried %carried) -> stacked float[T, N], carried i32[N]
  return %3, %4
}",
        &[("pick", pick)],
    );
    let run = leaked(
        "run",
        "fn @run<N, C, T>(%table: float[C], %labels: i32[N, T, T], %carried: i32[N], %small: float[4]) -> float[T, T, N], float[N] {
  %9 = permute %labels axes [2, 1, 0]
  %4, %5 = call @inner<N = N, C = C, T = T> loop T (%table, sliced %9 axis 1, carried %carried) -> stacked float[T, T, N], carried i32[N]
  %6 = take %small, %5 axis [0]
  return %4, %6
}",
        &[("inner", inner)],
    );
    let program = link(run, &binding(&[("N", 3), ("C", 7), ("T", 2)]))?;
    let bound = |param, least, extent| IndexBound {
        param,
        least,
        extent,
        allowed: Vec::new(),
    };
    let expected = [bound(1, 0, 4), bound(1, 2, 7), bound(2, 0, 4)];
    assert_eq!(index_bounds(&program), expected);
    Ok(())
}
