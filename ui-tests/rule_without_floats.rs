use sinew::prelude::*;

#[model]
fn rule<N>(x: Tensor<i32, N>, g: Tensor<N>) -> Tensor<N> {
    g * x.to(float)
}
#[model(vjp = rule)]
fn f<N>(x: Tensor<i32, N>) -> Tensor<N> {
    x.to(float)
}
#[model(vjp = rule)]
fn g<N>(x: Tensor<N>) -> Tensor<i32> {
    x.argmax(0)
}
fn main() {}
