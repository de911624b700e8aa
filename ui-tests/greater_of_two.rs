use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    max(x, y) + x.min(0.0)
}

fn main() {}
