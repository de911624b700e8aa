use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<bool, B>, y: Tensor<bool, B>) -> Tensor<bool, B> {
    x & y
}

fn main() {}
