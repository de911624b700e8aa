use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B, 6> {
    concat(x, 0)
}

fn main() {}
