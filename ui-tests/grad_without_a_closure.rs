use sinew::prelude::*;

#[model]
fn f<N>(x: Tensor<N>) -> Tensor<N> {
    grad(x.sum(), x)
}

fn main() {}
