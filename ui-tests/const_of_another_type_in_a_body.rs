use sinew::prelude::*;

const HEADS: i32 = 4;

#[model]
fn f<B>(x: Tensor<B, 64>) -> Tensor<B, 4, 16> {
    x.reshape([B, HEADS, 16])
}

fn main() {}
