use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>, y: Tensor<6, 3>) -> Tensor<B, 3> {
    einsum("bij,jk->bk", x, y)
}

fn main() {}
