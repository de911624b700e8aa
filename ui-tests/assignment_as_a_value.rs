use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let mut y = x;
    let z = (y = x.exp());
    y + z
}

fn main() {}
