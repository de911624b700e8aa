use sinew::prelude::*;

#[model]
fn f<S>(x: Tensor<[S], 4>) -> Tensor<4> {
    x[(0, ..)]
}

fn main() {}
