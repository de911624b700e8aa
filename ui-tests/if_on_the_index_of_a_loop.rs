//! What a loop's index decides is chosen in each iteration.
use sinew::prelude::*;

#[model]
fn first_two<T, D>(x: Tensor<T, D>) -> Tensor<D> {
    let mut sum = zeros([D]);
    for t in 0..T {
        if t < 2 {
            sum += x[t];
        }
    }
    sum
}

fn main() {}
