use sinew::prelude::*;

#[model]
fn f<S>(x: Tensor<[S], 6>) -> Tensor<6> {
    x
}

fn main() {}
