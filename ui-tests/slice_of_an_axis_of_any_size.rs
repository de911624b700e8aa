use sinew::prelude::*;

#[model]
fn f<T>(x: Tensor<T>) -> Tensor<2> {
    x[1..3]
}

fn main() {}
