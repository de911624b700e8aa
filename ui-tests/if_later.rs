use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    if x > 0 { x } else { -x }
}

fn main() {}
