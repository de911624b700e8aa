use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<i32, B>) -> Tensor<i32, B> {
    x.dropout(0.1)
}

fn main() {}
