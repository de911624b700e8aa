use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B, 6> {
    x.reshape([-1, -1])
}

fn main() {}
