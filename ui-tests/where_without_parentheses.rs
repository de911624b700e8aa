use sinew::prelude::*;

#[model(where C == H * D)]
fn f<B, C, H, D>(x: Tensor<B, C>, s: Tensor<H, D>) -> Tensor<B, H, D> {
    x.reshape([B, H, D]) * s
}

fn main() {}
