use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>, i: Tensor<f16, 3>) -> Tensor<3> {
    x[i]
}

fn main() {}
