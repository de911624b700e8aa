use sinew::prelude::*;

#[model]
fn heads<B, H, D>(x: Tensor<B, H * D>) -> Tensor<B, H, D> {
    x.reshape([B, H, D])
}

#[model]
fn f<B>(x: Tensor<B, 64>) -> Tensor<B, 8, 8> {
    heads(x)
}

fn main() {}
