use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    while x > 0 {}
    x
}

fn main() {}
