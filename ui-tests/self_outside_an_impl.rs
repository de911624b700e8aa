use sinew::prelude::*;

#[model]
fn forward<B>(&self, x: Tensor<B>) -> Tensor<B> {
    x
}

fn main() {}
