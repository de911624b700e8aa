use sinew::prelude::*;

#[model]
fn sorted<N>(x: Tensor<N>) -> Tensor<N> {
    let (values, _) = x.sort(axis = 1);
    values
}

fn main() {}
