use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<i32, B>) -> Tensor<B> {
    x.cast(float)
}

fn main() {}
