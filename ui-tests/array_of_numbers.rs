use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3>) -> Tensor<B, 3> {
    x + [1.0, 2.0, 3.0]
}

fn main() {}
