//! Extents past any memory, in arguments that repeat one element and so need none: each is refused
//! soon, whatever is computed of it.

use crate::text::text_function;
use ndarray::{ArrayView, IxDyn};
use sinew_fuzz::within;
use sinew_runtime::{AnyRank, Arg, Compile, Error, Float, ModelFunction, Out};
use std::time::Duration;

type Any = Arg<Float, AnyRank>;

text_function!(
    Product(Any, Any),
    (),
    Out<Float, AnyRank>,
    "f",
    "fn @f<M, K, N>(%x: float[M, K], %y: float[K, N]) -> float[M, N] {
  %2 = dot %x, %y contract_x [1] contract_y [0]
  return %2
}
"
);
text_function!(
    Turned(Any, Any),
    (),
    Out<Float, AnyRank>,
    "f",
    "fn @f<M, K, N>(%x: float[K, M], %y: float[N, K]) -> float[M, N] {
  %2 = exp %x
  %3 = dot %2, %y contract_x [0] contract_y [1]
  return %3
}
"
);
text_function!(
    Sum(Any),
    (),
    Out<Float, AnyRank>,
    "f",
    "fn @f<M, N>(%x: float[M, N]) -> float[M] {
  %2 = sum %x axes [1]
  return %2
}
"
);
text_function!(
    Rows(Any),
    (),
    Out<Float, AnyRank>,
    "f",
    "fn @f<M, N>(%x: float[M, N]) -> float[M, N] {
  %2 = softmax %x axis [1]
  %3 = log_softmax %2 axis [1]
  return %3
}
"
);
text_function!(
    Running(Any),
    (),
    Out<Float, AnyRank>,
    "f",
    "fn @f<M, N>(%x: float[M, N]) -> float[M, N] {
  %2 = cumsum %x axis [1] reverse 0
  return %2
}
"
);
text_function!(
    Sorted(Any),
    (),
    Out<Float, AnyRank>,
    "f",
    "fn @f<M, N>(%x: float[M, N]) -> float[M, N] {
  %2 = argsort %x axis [1] descending 0
  %3 = take_along_axis %x, %2 axis [1]
  return %3
}
"
);
text_function!(
    Outer(Any),
    (),
    Out<Float, AnyRank>,
    "f",
    "fn @f<M, N>(%x: float[M, N]) -> float[M] {
  %2 = broadcast %x shape [M, N, M, N] new [2, 3]
  %3 = broadcast %x shape [M, N, M, N] new [0, 1]
  %4 = mul %2, %3
  %5 = sum %4 axes [1, 2, 3]
  return %5
}
"
);
text_function!(
    Both(Any),
    (),
    Out<Float, AnyRank>,
    "f",
    "fn @f<M, N>(%x: float[M, N]) -> float[M, N, M] {
  %2 = broadcast %x shape [M, N, M] new [2]
  return %2
}
"
);
text_function!(
    Joined(Any),
    (),
    Out<Float, AnyRank>,
    "f",
    "fn @f<M, N>(%x: float[M, N]) -> float[M*N*2] {
  %2 = concat %x, %x axis [1]
  %3 = reshape %2 shape [M*N*2]
  return %3
}
"
);
text_function!(
    Padded(Any),
    (),
    Out<Float, AnyRank>,
    "f",
    "fn @f<M, N>(%x: float[M, N]) -> float[M + N*M + 9223372036854775807, N] {
  %2 = pad %x axis [0] widths [N*M, 9223372036854775807, 1]
  return %2
}
"
);

/// Refuses a call whose arguments are of these extents.
fn refused(name: &str, result: Result<(), Error>, extents: &[&[usize]]) {
    let error = match result {
        Err(error) => error,
        Ok(()) => panic!("{name} of {extents:?} has memory"),
    };
    let fits = matches!(
        error,
        Error::OutOfMemory { .. }
            | Error::TooLarge { .. }
            | Error::Empty { .. }
            | Error::Bind(_)
            | Error::Link { .. }
            | Error::Schedule { .. }
    );
    assert!(fits, "{name} of {extents:?}: {error}");
}

fn soon<T>(name: &str, work: impl FnOnce() -> T) -> T {
    within(Duration::from_secs(5), name, work)
}

const MOST: usize = isize::MAX as usize;

fn one_argument<F: ModelFunction<Models = (), Inputs = (Any,)>>(name: &str) {
    let one = [1.0f32];
    let one = ArrayView::from_shape(IxDyn(&[]), &one).unwrap();
    for extents in [
        [1 << 21, 1 << 22],
        [1 << 23, 1 << 23],
        [1, 1 << 45],
        [1 << 45, 1],
        [1 << 31, 1 << 31],
        [MOST, 1],
        [1, MOST],
        [MOST, 0],
        [0, MOST],
    ] {
        let x = one.broadcast(IxDyn(&extents)).unwrap();
        let runner = Compile::<F>::new(()).build().unwrap();
        let run = soon(name, || runner.run(x).map(drop));
        refused(name, run, &[&extents]);
    }
}

#[test]
fn past_any_memory_for_one_argument() {
    one_argument::<Sum>("sum");
    one_argument::<Rows>("rows");
    one_argument::<Running>("running");
    one_argument::<Sorted>("sorted");
    one_argument::<Outer>("outer");
    one_argument::<Both>("both");
    one_argument::<Joined>("joined");
    one_argument::<Padded>("padded");
}

fn two_arguments<F: ModelFunction<Models = (), Inputs = (Any, Any)>>(name: &str, turned: bool) {
    let one = [1.0f32];
    let one = ArrayView::from_shape(IxDyn(&[]), &one).unwrap();
    for [m, k, n] in [
        [1 << 21, 1 << 21, 1 << 22],
        [1 << 23, 1 << 23, 1 << 23],
        [1, 1 << 46, 1],
        [64, 1 << 38, 64],
        [1 << 38, 64, 64],
        [64, 64, 1 << 38],
        [1 << 22, 64, 1 << 22],
        [1 << 31, 1 << 31, 1],
        [1, MOST, 1],
        [MOST, 1, 1],
        [1, 1, MOST],
    ] {
        let (left, right) = match turned {
            false => ([m, k], [k, n]),
            true => ([k, m], [n, k]),
        };
        let x = one.broadcast(IxDyn(&left)).unwrap();
        let y = one.broadcast(IxDyn(&right)).unwrap();
        let runner = Compile::<F>::new(()).build().unwrap();
        let run = soon(name, || runner.run(x, y).map(drop));
        refused(name, run, &[&left, &right]);
    }
}

#[test]
fn past_any_memory_for_products() {
    two_arguments::<Product>("product", false);
    two_arguments::<Turned>("turned", true);
}
