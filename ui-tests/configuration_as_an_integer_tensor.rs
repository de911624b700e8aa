use sinew::prelude::*;

#[model]
struct Net {
    rate: f32,
    causal: bool,
}

#[model]
fn f<B>(m: &Net, x: Tensor<i32, B>) -> Tensor<i32, B> {
    x * m.rate
}

#[model]
fn g<B>(m: &Net, x: Tensor<B>) -> Tensor<B> {
    m.rate = 0.5;
    x * m.causal
}

fn main() {}
