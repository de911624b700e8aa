use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3>) -> Tensor<B, 3> {
    let y: Tensor<[B], 3> = x.exp();
    y
}

fn main() {}
