use sinew::prelude::*;

#[model(methods)]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    x
}

fn main() {}
