use sinew::prelude::*;

#[model]
fn f<T>(x: Tensor<T, 8>, y: Tensor<T, 8>) -> Tensor<T, 8> {
    x[1..] + y
}

fn main() {}
