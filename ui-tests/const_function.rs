use sinew::prelude::*;

#[model]
const fn f<B>(x: Tensor<B>) -> Tensor<B> {
    x
}

fn main() {}
