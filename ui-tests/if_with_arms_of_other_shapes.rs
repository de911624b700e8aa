use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    if B > 4 { x } else { x.sum() }
}

#[model]
fn g<B>(x: Tensor<B>) -> (Tensor<B>, Tensor<B>) {
    if B > 4 { (x, x) } else { x }
}

fn main() {}
