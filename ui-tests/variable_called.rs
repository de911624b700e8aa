use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let relu = x.relu();
    relu(x)
}

fn main() {}
