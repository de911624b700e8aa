use sinew::prelude::*;

#[model]
fn f<T>(x: Tensor<T>) -> Tensor {
    x[T]
}

fn main() {}
