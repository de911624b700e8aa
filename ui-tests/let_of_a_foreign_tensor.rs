use sinew::prelude::*;

mod other {
    pub struct Tensor;
}

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let y: other::Tensor<B> = x;
    y
}

fn main() {}
