use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3, 4>) -> Tensor<B> {
    einsum("bii->b", x)
}

fn main() {}
