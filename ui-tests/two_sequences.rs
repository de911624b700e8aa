use sinew::prelude::*;

#[model]
fn f<S, T>(x: Tensor<[S], 3>, y: Tensor<[T], 3>) -> Tensor<[S], 3> {
    x + y.sum()
}

fn main() {}
