use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>, flag: Tensor<bool>) -> Tensor<B> {
    if flag { x } else { -x }
}

fn main() {}
