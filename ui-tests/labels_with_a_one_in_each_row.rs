use sinew::prelude::*;

#[model]
fn loss<B>(x: Tensor<B, 10>, y: Tensor<B, 10>) -> Tensor {
    cross_entropy(x, y)
}

fn main() {}
