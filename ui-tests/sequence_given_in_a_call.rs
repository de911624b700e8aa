use sinew::prelude::*;

#[model]
fn g<S, N>(x: Tensor<[S]>, y: Tensor<N>) -> Tensor<[S], N> {
    x.unsqueeze(-1) * y
}

#[model]
fn f<B>(x: Tensor<B>, y: Tensor<4>) -> Tensor<B, 4> {
    g::<B, 4>(x, y)
}

fn main() {}
