use sinew::prelude::*;

const WIDTH: u32 = 8;

#[model]
fn product<B>(x: Tensor<B, 4>, w: Tensor<4, WIDTH>) -> Tensor<B, WIDTH> {
    matmul(x, w)
}

#[model]
fn loss<B>(x: Tensor<B, 4>, w: Tensor<4, 8>) -> Tensor {
    product(x, w).mean()
}

fn main() {}
