use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor {
    x[x > 0.0].sum()
}

fn main() {}
