use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    const RATE: f32 = 0.5;
    x * RATE
}

fn main() {}
