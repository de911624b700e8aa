use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B, 8> {
    x.pad(1)
}

fn main() {}
