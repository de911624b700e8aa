use sinew::prelude::*;

#[model]
struct Square<N> {
    #[init(zeros)]
    w: Param<N, N>,
}

#[model]
fn project<B, I, O>(m: &Linear<I, O>, x: Tensor<B, I>) -> Tensor<B, O> {
    m.forward(x)
}

#[model]
fn apply<B, N>(m: &Square<N>, x: Tensor<B, N>) -> Tensor<B, N> {
    project(m, x)
}

fn main() {}
