use sinew::prelude::*;

struct Tensor;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    x
}

fn main() {}
