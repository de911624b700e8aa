use sinew::prelude::*;

#[model]
fn loss<B>(x: Tensor<B, 64>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(logits(x), y)
}

fn main() {}
