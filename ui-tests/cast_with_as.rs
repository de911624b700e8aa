use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<i32, B>) -> Tensor<f32, B> {
    x as f32
}

fn main() {}
