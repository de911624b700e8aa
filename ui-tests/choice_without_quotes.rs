use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>, y: Tensor<B>) -> Tensor {
    mse(x, y, reduction = sum)
}

fn main() {}
