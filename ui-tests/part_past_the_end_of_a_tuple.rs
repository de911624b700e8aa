use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let pair = (x, x.exp());
    pair.2
}

fn main() {}
