use sinew::prelude::*;

#[model]
fn loss<B, T>(x: Tensor<B, T, 50>, y: Tensor<i32, B, T>) -> Tensor {
    cross_entropy(x, y)
}

fn main() {}
