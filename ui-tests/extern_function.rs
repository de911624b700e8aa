use sinew::prelude::*;

#[model]
extern "C" fn f<B>(x: Tensor<B>) -> Tensor<B> {
    x
}

fn main() {}
