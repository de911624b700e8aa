use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let mut y = x.exp();
    y.push(x);
    y
}

fn main() {}
