use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<int64, B>) -> Tensor<B> {
    x.cast(float)
}

fn main() {}
