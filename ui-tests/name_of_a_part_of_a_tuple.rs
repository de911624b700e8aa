use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let pair = (x, x.exp());
    pair.first
}

fn main() {}
