use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3>) -> Tensor {
    einsum("bi->b->", x)
}

fn main() {}
