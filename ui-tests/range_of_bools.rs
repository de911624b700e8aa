use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3>) -> Tensor<bool, 4> {
    arange(4, bool)
}

fn main() {}
