use sinew::prelude::*;

#[model]
fn g<B, N>(x: Tensor<B>) -> Tensor<B, N> {
    x.unsqueeze(-1) * ones([N])
}

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B, 4> {
    g::<B, 4, 1>(x)
}

fn main() {}
