use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<i32, B>) -> Tensor<B> {
    x.cast(complex)
}

fn main() {}
