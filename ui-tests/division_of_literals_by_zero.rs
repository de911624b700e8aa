use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    x * (1.0 / 0.0)
}

fn main() {}
