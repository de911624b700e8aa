use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let g = |y| y + 1;
    x
}

fn main() {}
