use sinew::prelude::*;

#[model]
fn f<N, M>(x: Tensor<N>, v: Tensor<M>) -> Tensor<N> {
    jvp(|x| x * x, x, v).1
}

#[model]
fn g<N>(x: Tensor<N>, v: Tensor<N>) -> Tensor<N> {
    let (_, t) = jvp(|x, y| x * y, x, x, v);
    t
}

fn main() {}
