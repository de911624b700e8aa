use sinew::prelude::*;

#[model]
fn f<B, E, H>(x: Tensor<B, E>, y: Tensor<H>) -> Tensor<B, H, 4> {
    x.rearrange("b (h d) -> b h d", h = H) + y.sum()
}

fn main() {}
