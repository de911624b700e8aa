use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 64>, y: Tensor<32>) -> Tensor<B, 64> {
    x + y
}

fn main() {}
