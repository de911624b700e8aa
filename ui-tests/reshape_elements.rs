use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B, 2, 4> {
    x.reshape([B, 2, 4])
}

fn main() {}
