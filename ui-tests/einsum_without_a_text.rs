use sinew::prelude::*;

#[model]
fn f<B>(q: Tensor<B, 3>, k: Tensor<3, B>) -> Tensor<B, B> {
    einsum(q, k)
}

fn main() {}
