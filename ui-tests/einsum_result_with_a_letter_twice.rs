use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B, B> {
    einsum("i->ii", x)
}

fn main() {}
