use sinew::prelude::*;

#[model]
fn f<N>(x: Tensor<N>) -> Tensor<N> {
    grad(|x| x * x, x)
}

#[model]
fn g<N>(x: Tensor<N>) -> Tensor<N> {
    grad(|x| (x.sum(), x.sum()), x)
}

fn main() {}
