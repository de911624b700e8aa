use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B, 1> {
    let n = x.sum();
    x.reshape([n, 1])
}

fn main() {}
