use sinew::prelude::*;

const LIMIT: f32 = 0.5;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<bool, B> {
    (x > 0) && LIMIT
}

fn main() {}
