use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let mut y = x;
    if B > 4 {
        y = y.sum();
    }
    y
}

#[model]
fn g<B>(x: Tensor<B>) -> Tensor<B> {
    let mut y = (x, x);
    if B > 4 {
        y = x;
    }
    y.0
}

fn main() {}
