use sinew::prelude::*;

#[model]
unsafe fn f<B>(x: Tensor<B>) -> Tensor<B> {
    x
}

fn main() {}
