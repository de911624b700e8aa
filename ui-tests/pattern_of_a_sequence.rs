use sinew::prelude::*;

#[model]
fn f<S>(x: Tensor<[S], 6>) -> Tensor<[S], 2, 3> {
    x.rearrange("b (h d) -> b h d", h = 2)
}

fn main() {}
