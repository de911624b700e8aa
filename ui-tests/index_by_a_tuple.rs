use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor {
    x[x.sort()].sum()
}

fn main() {}
