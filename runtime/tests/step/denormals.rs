//! Results too small for a normal number are zero: arithmetic on them is slow.

use crate::text::{Row, text_function};
use sinew_runtime::{Compile, Float, Out, Precision, Rank};

text_function!(
    Halved(Row),
    (),
    Out<Float, Rank<1>>,
    "halved",
    "fn @halved<N>(%x: float[N]) -> float[N] {
  %1 = const value 0.5 dtype float shape [N]
  %2 = mul %x, %1
  return %2
}
"
);

text_function!(
    Signs(Row),
    (),
    Out<Float, Rank<1>>,
    "signs",
    "fn @signs<N>(%x: float[N]) -> float[N] {
  %1 = sign %x
  return %1
}
"
);

/// It was the number itself, and so was the derivative of `abs`. Five elements are a vector and a rest.
#[test]
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn the_sign_of_a_subnormal_number_is_a_zero() {
    let small = f32::from_bits(1);
    let runner = Compile::<Signs>::new(()).build().unwrap();
    let numbers = [small, -small, 2.0, -3.0, small];
    let signs = runner.run(numbers).unwrap().to_vec();
    assert_eq!(signs, [0.0, -0.0, 1.0, -1.0, 0.0]);
    assert!(signs[1].is_sign_negative(), "a zero keeps its sign");
}

#[test]
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn half_of_the_least_normal_number_is_zero() {
    let (narrow, wide) = (f32::MIN_POSITIVE, f64::MIN_POSITIVE);
    let runner = Compile::<Halved>::new(()).build().unwrap();
    assert_eq!(
        runner.run([narrow, 4.0 * narrow]).unwrap().to_vec(),
        [0.0, 2.0 * narrow]
    );
    let runner = Compile::<Halved>::new(())
        .precision(Precision::F64)
        .build()
        .unwrap();
    assert_eq!(
        runner.run_f64([wide, 4.0 * wide]).unwrap().to_vec(),
        [0.0, 2.0 * wide]
    );
    assert!(
        std::hint::black_box(narrow) * 0.5 > 0.0,
        "the caller's arithmetic is as before"
    );
}
