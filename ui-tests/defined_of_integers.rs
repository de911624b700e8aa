use sinew::prelude::*;

#[model]
fn f<N>(x: Tensor<i32, N>) -> Tensor<N> {
    x.hardswish().cast(float)
}

fn main() {}
