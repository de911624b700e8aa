use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B, 3> {
    let (a, b, c) = x.split([3, 3], 1);
    a * b * c
}

fn main() {}
