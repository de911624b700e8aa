use sinew::prelude::*;

#[model]
fn rule<N>(x: Tensor<N>, g: Tensor<N>) -> Tensor<N> {
    g * x
}
#[model(vjp = rule)]
fn f<N>(x: Tensor<N>, y: Tensor<N>) -> Tensor<N> {
    x * y
}
#[model(vjp = rule)]
fn g<N>(x: Tensor<N>) -> Tensor {
    x.sum()
}
fn main() {}
