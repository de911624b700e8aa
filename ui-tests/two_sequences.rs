use sinew::prelude::*;

#[model]
fn f<S, R>(x: Tensor<[S], 4>, y: Tensor<[R], 4>) -> Tensor<[S], 4> {
    x
}

fn main() {}
