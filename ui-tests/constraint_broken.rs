use sinew::prelude::*;

#[model(where(T <= 8))]
fn g<T>(x: Tensor<T>) -> Tensor<T> {
    x
}

#[model]
fn f(x: Tensor<9>) -> Tensor<9> {
    g(x)
}

fn main() {}
