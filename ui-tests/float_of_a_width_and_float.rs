use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>, scale: Tensor<f32, B>) -> Tensor<B> {
    x * scale
}

#[model]
fn g<B>(x: Tensor<f32, B>, y: Tensor<f64, B>) -> Tensor<f64, B> {
    x * y
}

fn main() {}
