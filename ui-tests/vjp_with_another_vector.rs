use sinew::prelude::*;

#[model]
fn f<N, M>(x: Tensor<N>, v: Tensor<M>) -> Tensor<N> {
    let (_, g) = vjp(|x| x * x, x, v);
    g
}

#[model]
fn g<N>(x: Tensor<N>, v: Tensor<N>) -> Tensor<N> {
    let (_, g) = vjp(|x| (x, x), x, v);
    g
}

fn main() {}
