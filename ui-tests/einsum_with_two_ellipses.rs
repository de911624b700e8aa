use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3>) -> Tensor {
    einsum("...i...->", x)
}

fn main() {}
