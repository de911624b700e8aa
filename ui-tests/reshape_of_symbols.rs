use sinew::prelude::*;

#[model]
fn f<B, C, H, D>(x: Tensor<B, C>, y: Tensor<B, H, D>) -> Tensor<B, H, D> {
    x.reshape([B, H, D]) + y
}

fn main() {}
