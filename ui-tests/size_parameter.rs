use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>, n: usize) -> Tensor<B> {
    x * n
}

fn main() {}
