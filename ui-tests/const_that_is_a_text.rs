use sinew::prelude::*;

const EPS: &str = "0.1";

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    x + EPS
}

fn main() {}
