use sinew::prelude::*;

#[model]
fn f<A, B>(x: Tensor<A, B, 3, 4>) -> Tensor<A, B, 4> {
    x[(.., 0, ..)]
}

fn main() {}
