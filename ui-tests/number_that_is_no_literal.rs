use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>, slope: Tensor) -> Tensor<B> {
    x.leaky_relu(slope)
}

fn main() {}
