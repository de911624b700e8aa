use sinew::prelude::*;

#[model]
fn f<B>(pair: (Tensor<B>, Tensor<B>)) -> Tensor<B> {
    pair.0 + pair.1
}

fn main() {}
