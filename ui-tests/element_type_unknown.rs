use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<u8, B>) -> Tensor<B> {
    x.cast(f32)
}

fn main() {}
