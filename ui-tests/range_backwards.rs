use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B, 2> {
    x[(.., 4..2)]
}

fn main() {}
