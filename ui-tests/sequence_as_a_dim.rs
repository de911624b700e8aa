use sinew::prelude::*;

#[model]
fn f<S>(x: Tensor<[S], 3>) -> Tensor<S> {
    x.sum(-1)
}

fn main() {}
