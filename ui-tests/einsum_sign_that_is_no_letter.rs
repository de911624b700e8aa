use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3>, y: Tensor<B>) -> Tensor {
    einsum("b3,b->", x, y)
}

fn main() {}
