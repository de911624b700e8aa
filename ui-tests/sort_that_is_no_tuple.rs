use sinew::prelude::*;

#[model]
fn sorted<N>(x: Tensor<N>) -> Tensor<N> {
    x.sort(descending = true) + 1.0
}

fn main() {}
