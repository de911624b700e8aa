use sinew::prelude::*;

#[model]
fn f<B>(y: Tensor<i32, B>) -> Tensor<B> {
    y as f32
}

fn main() {}
