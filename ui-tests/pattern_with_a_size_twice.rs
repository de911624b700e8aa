use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B, 2, 3> {
    x.rearrange("b (h d) -> b h d", h = 2, h = 3)
}

fn main() {}
