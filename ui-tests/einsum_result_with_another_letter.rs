use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3>) -> Tensor<B, 3> {
    einsum("bi->bk", x)
}

fn main() {}
