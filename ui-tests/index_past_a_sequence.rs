use sinew::prelude::*;

#[model]
fn f<S>(x: Tensor<[S], 4>) -> Tensor<[S]> {
    x[(.., 0, 0)]
}

fn main() {}
