use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B> {
    let y: Tensor<B, 7> = x.exp();
    y.sum(-1)
}

fn main() {}
