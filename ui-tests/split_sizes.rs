use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> (Tensor<B, 3>, Tensor<B, 2>) {
    x.split([3, 2], 1)
}

fn main() {}
