use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 64>) -> Tensor<B, 10> {
    Linear(x)
}

fn main() {}
