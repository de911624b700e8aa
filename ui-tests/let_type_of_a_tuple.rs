use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B, 3> {
    let (a, b): (Tensor<B, 3>, Tensor<B, 3>) = x.split([3, 3], 1);
    a * b
}

fn main() {}
