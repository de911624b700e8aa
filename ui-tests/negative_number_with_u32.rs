use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<u32, B>) -> Tensor<u32, B> {
    x.maximum(-1)
}

fn main() {}
