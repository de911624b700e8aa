use sinew::prelude::*;

#[model]
fn loss<B>(pred: Tensor<B, 1>, y: Tensor<B>) -> Tensor {
    mse(pred, y)
}

fn main() {}
