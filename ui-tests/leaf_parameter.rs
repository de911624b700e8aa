use sinew::prelude::*;

#[model]
fn f<B>(w: &Param<64, 10>, x: Tensor<B, 64>) -> Tensor<B, 10> {
    matmul(x, w)
}

fn main() {}
