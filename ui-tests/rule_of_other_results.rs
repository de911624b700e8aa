use sinew::prelude::*;

#[model]
fn rule<N>(x: Tensor<N>, g: Tensor<N>) -> Tensor {
    (g * x).sum()
}
#[model]
fn other<N>(x: Tensor<N>, g: Tensor<N>) -> (Tensor<N>, Tensor<N>) {
    (g * x, x)
}
#[model(vjp = rule)]
fn f<N>(x: Tensor<N>) -> Tensor<N> { x }
#[model(vjp = other)]
fn h<N>(x: Tensor<N>) -> Tensor<N> { x }
fn main() {}
