use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3>) -> Tensor<B, 3> {
    let (a, b) = x.chunk(2);
    a + b
}

fn main() {}
