//! Results too small for a normal number are zero: arithmetic on them is slow.

use sinew_ir::Unit;
use sinew_runtime::{Arg, Compile, Float, ModelFunction, Out, Precision, Rank};

enum Halved {}
impl ModelFunction for Halved {
    type Model = ();
    type Inputs = (Arg<Float, Rank<1>>,);
    type Output = Out<Float, Rank<1>>;
    const UNIT: &'static Unit = &Unit {
        path: "halved",
        file: "src/halved.rs",
        text: "fn @halved<N>(%x: float[N]) -> float[N] {
  %1 = const value 0.5 dtype float shape [N]
  %2 = mul %x, %1
  return %2
}
",
        callees: &[],
        consts: &[],
        numbers: &[],
    };
}

#[test]
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
fn half_of_the_least_normal_number_is_zero() {
    let (narrow, wide) = (f32::MIN_POSITIVE, f64::MIN_POSITIVE);
    let mut runner = Compile::<Halved>::new(()).build().unwrap();
    assert_eq!(
        runner.run([narrow, 4.0 * narrow]).unwrap().to_vec(),
        [0.0, 2.0 * narrow]
    );
    let mut runner = Compile::<Halved>::new(())
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
