use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>, rate: f32) -> Tensor<B> {
    x * rate
}

fn main() {}
