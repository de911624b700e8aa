use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 2>) -> Tensor<2, B> {
    x.rearrange("b 2 -> 2 b")
}

fn main() {}
