use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> [Tensor<B>; 2] {
    [x, x]
}

fn main() {}
