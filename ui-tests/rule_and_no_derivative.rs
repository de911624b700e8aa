use sinew::prelude::*;

#[model]
fn rule<N>(x: Tensor<N>, g: Tensor<N>) -> Tensor<N> {
    g * x
}

#[model(vjp = rule, no_derivative)]
fn f<N>(x: Tensor<N>) -> Tensor<N> {
    x.exp()
}

fn main() {}
