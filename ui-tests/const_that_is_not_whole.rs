use sinew::prelude::*;

const RATE: f32 = 0.5;

#[model]
fn f<B>(x: Tensor<i32, B>) -> Tensor<i32, B> {
    x * RATE
}

fn main() {}
