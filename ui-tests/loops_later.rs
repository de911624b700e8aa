use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    for t in 0..3 {}
    x
}

fn main() {}
