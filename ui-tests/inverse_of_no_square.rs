use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3, 4>) -> Tensor<B, 3, 4> {
    x.inverse()
}

fn main() {}
