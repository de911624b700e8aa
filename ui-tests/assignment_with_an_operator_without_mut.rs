use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let y = x.exp();
    y += x;
    y
}

fn main() {}
