use sinew::prelude::*;

#[model]
fn f<B>(x @ y: Tensor<B>) -> Tensor<B> {
    x + y
}

fn main() {}
