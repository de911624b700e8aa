use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B, 3> {
    x.narrow(1, 4, 3)
}

fn main() {}
