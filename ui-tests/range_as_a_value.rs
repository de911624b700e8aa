use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3>) -> Tensor<B, 3> {
    let middle = 1..2;
    x
}

fn main() {}
