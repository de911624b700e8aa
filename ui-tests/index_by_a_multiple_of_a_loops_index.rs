use sinew::prelude::*;

#[model]
fn f<T>(x: Tensor<{ 2 * T }>) -> Tensor {
    let mut sum = 0.0;
    for t in 0..T {
        sum += x[2 * t];
    }
    sum
}

fn main() {}
