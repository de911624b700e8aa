use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 24>) -> Tensor<B, 2, 3, 4> {
    x.rearrange("b (h w c) -> b h w c")
}

fn main() {}
