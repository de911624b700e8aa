use sinew::prelude::*;

#[model]
fn rule<N>(x: Tensor<N>, g: Tensor<N>) -> Tensor<N> {
    g * x
}

#[model(vjp = rule)]
fn f<N>(m: &Linear<N, N>, x: Tensor<N>) -> Tensor<N> {
    m.forward(x)
}

fn main() {}
