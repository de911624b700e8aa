use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor {
    einsum("b,b,b,b,b,b,b,b,b->", x, x, x, x, x, x, x, x, x)
}

fn main() {}
