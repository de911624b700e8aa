use sinew::prelude::*;

const LAST: i64 = -1;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B> {
    x.sum(LAST)
}

fn main() {}
