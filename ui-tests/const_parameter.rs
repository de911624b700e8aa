use sinew::prelude::*;

#[model]
fn f<const B: usize>(x: Tensor<B>) -> Tensor<B> {
    x
}

fn main() {}
