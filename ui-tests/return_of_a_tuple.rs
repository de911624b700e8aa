use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 64>) -> (Tensor<B>, Tensor) {
    (x.sum(-1), x.sum(-1))
}

fn main() {}
