use sinew::prelude::*;

#[model]
fn f<B, T>(q: Tensor<B, T, 64>, k: Tensor<B, T, 32>) -> Tensor<B, T, T> {
    einsum("btd,bsd->bts", q, k)
}

fn main() {}
