use sinew::prelude::*;

#[model]
fn f<B>(y: Tensor<i32, B>) -> Tensor<B> {
    y.exp()
}

fn main() {}
