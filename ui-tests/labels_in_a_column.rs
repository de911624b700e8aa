use sinew::prelude::*;

#[model]
fn loss<B>(x: Tensor<B, 10>, y: Tensor<i32, B, 1>) -> Tensor {
    cross_entropy(x, y)
}

fn main() {}
