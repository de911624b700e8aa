use sinew::prelude::*;

#[model]
fn f<A, B>(x: Tensor<A, B, 4>, y: Tensor<A, 4, B>) -> Tensor<A, B, B> {
    sinew::ops::bmm(x, y)
}

fn main() {}
