use sinew::prelude::*;

fn plain(x: f32) -> f32 {
    x
}

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    plain(x)
}

fn main() {}
