use sinew::prelude::*;

#[model]
fn f<S, N>(x: Tensor<[S], N>) -> Tensor<[S], N> {
    vmap(|x| x.exp(), x)
}

#[model]
fn g<S, B>(x: Tensor<B>, y: Tensor<[S]>) -> Tensor<B> {
    vmap(|x| (x * y).sum(), x)
}

fn main() {}
