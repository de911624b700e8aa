use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<bool, B>) -> Tensor<B> {
    x.exp()
}

fn main() {}
