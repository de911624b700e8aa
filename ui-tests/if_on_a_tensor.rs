use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    if x.sum() > 0.0 { x } else { -x }
}

fn main() {}
