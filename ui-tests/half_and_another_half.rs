use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<f16, B, 3>, y: Tensor<bf16, 3>) -> Tensor<f16, B> {
    matmul(x, y)
}

fn main() {}
