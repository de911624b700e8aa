use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B, 2> {
    x[(.., (1..4).skip(1))]
}

fn main() {}
