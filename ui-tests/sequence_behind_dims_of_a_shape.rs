use sinew::prelude::*;

#[model]
fn f<S>(x: Tensor<[S], 2, 3>) -> Tensor<[S], 6> {
    x.reshape([6, [S]])
}

fn main() {}
