use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>, p: Tensor) -> Tensor<B> {
    x.dropout(p)
}

fn main() {}
