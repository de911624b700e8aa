use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B, 2, 3> {
    x.rearrange("b (heads d) -> b heads d", head = 2)
}

fn main() {}
