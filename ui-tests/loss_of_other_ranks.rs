use sinew::prelude::*;

#[model]
fn loss<B, C>(pred: Tensor<B, C>, y: Tensor<C>) -> Tensor {
    mse(pred, y)
}

fn main() {}
