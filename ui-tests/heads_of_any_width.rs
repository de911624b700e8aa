use sinew::prelude::*;

#[model]
fn f<T, D>(x: Tensor<T, D>) -> Tensor {
    x.split_heads(4).sum()
}

fn main() {}
