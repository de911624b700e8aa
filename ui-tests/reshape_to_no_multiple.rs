use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor {
    x.reshape([-1, 4]).sum()
}

fn main() {}
