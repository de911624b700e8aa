use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let y = where(x > 0, x, 0.1 * x);
    y + 1
}

#[model]
fn g<B>(x: Tensor<B>) -> Tensor<B> {
    f(x) * 2
}

fn main() {}
