use sinew::prelude::*;

fn relu(x: f32) -> f32 {
    x
}

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    relu(x)
}

fn main() {}
