use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>, activation: fn(f32) -> f32) -> Tensor<B> {
    activation(x)
}

fn main() {}
