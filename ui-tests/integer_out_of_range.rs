use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, B>) -> Tensor<B, B> {
    x.tril(3000000000)
}

fn main() {}
