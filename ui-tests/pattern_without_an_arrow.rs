use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor {
    x.rearrange("b (h d)", h = 2)
}

fn main() {}
