use sinew::prelude::*;

#[model(where(H * D))]
fn f<B, H, D>(x: Tensor<B, { H * D }>) -> Tensor<B, H, D> {
    x.reshape([B, H, D])
}

fn main() {}
