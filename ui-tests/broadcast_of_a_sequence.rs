use sinew::prelude::*;

#[model]
fn f<S, B>(x: Tensor<[S], 3>, y: Tensor<B, 3>) -> Tensor<[S], 3> {
    x + y
}

fn main() {}
