use sinew::prelude::*;

#[model]
async fn f<B>(x: Tensor<B>) -> Tensor<B> {
    x
}

fn main() {}
