use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<bool, B> {
    (x > 0) & (x < 1)
}

fn main() {}
