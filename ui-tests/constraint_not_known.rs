use sinew::prelude::*;

#[model(where(E == H * 8))]
fn heads<B, E, H>(x: Tensor<B, E>, h: Tensor<H>) -> Tensor<B, H, 8> {
    x.reshape([B, H, 8]) * h.unsqueeze(-1)
}

#[model]
fn f<B, E, H>(x: Tensor<B, E>, h: Tensor<H>) -> Tensor<B, H, 8> {
    heads(x, h)
}

fn main() {}
