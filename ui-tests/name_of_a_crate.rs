use sinew::prelude::*;

#[model]
fn core<B>(x: Tensor<B>) -> Tensor<B> {
    x.relu()
}

fn main() {}
