use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 2>) -> Tensor<B> {
    let (a, b) = x.t();
    a * b
}

fn main() {}
