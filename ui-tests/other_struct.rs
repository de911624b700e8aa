use sinew::prelude::*;

#[model]
struct A {
    l: Linear<2, 2>,
}

#[model]
fn f<B>(m: &A, x: Tensor<B, 2>) -> Tensor<B, 2> {
    Linear::forward(m, x)
}

fn main() {}
