use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let y = x.exp();
    y + 1.0;
}

fn main() {}
