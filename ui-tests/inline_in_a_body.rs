use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    #[inline]
    let y = x * 2;
    y
}

fn main() {}
