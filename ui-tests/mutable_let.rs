use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let (mut a, b) = (x, x * 2);
    a + b
}

fn main() {}
