use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<bool, B> {
    !x
}

fn main() {}
