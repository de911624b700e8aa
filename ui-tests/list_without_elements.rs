use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let mut ys = Vec::new();
    stack(ys)
}

fn main() {}
