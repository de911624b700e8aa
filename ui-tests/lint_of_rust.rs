use sinew::prelude::*;

#[model(allow(dead_code))]
fn f<B>(x: Tensor<B>) -> Tensor {
    x.sum()
}

fn main() {}
