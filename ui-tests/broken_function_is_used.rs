use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<f128, B>) -> Tensor {
    x.sum()
}
#[model]
fn g<B>(x: Tensor<B>) -> Tensor {
    f(x)
}

fn main() {
    let _ = (f([1.0]), g([1.0]), f::compile(), f::pullback());
}
