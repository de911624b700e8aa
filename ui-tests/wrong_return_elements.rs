use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B> {
    x.argmax(-1)
}

fn main() {}
