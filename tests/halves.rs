//! f16 and bf16: stored in 16 bits, computed with in f32.

use sinew::half::{bf16, f16};
use sinew::ndarray::array;
use sinew::prelude::*;

#[model]
fn through_bf16<N>(x: Tensor<N>) -> Tensor<N> {
    x.cast(bf16).cast(float)
}

#[test]
fn a_cast_to_bf16_and_back_rounds_to_eight_digits() {
    // 1 + 2^-8 is halfway from 1 to the next, 1 + 3 * 2^-8 to 1 + 2^-6: to the even one.
    let x = [1.0, 1.00390625, 1.01171875, 1.0039064, 3.4e38];
    let found = through_bf16(x).expect("it runs");
    assert_eq!(found, array![1.0, 1.0, 1.015625, 1.0078125, f32::INFINITY]);
}

#[model]
fn sum_of_halves<N>(x: Tensor<f16, N>, y: Tensor<bf16, N>) -> (Tensor<f16, N>, Tensor<bf16, N>) {
    (x + 1, y * y)
}

#[test]
fn halves_are_arguments_and_results() {
    let x = [1.0, 2.5, 65504.0].map(f16::from_f32);
    let y = [1.0, 2.5, 1e30].map(bf16::from_f32);
    let (sum, square) = sum_of_halves(x, y).expect("it runs");
    assert_eq!(sum, array![2.0, 3.5, 65504.0].mapv(f16::from_f32));
    assert_eq!(
        square,
        array![1.0, 6.25, f32::INFINITY].mapv(bf16::from_f32)
    );
}
