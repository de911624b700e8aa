use sinew::prelude::*;

#[model]
fn f<N>(x: Tensor<N>) -> Tensor<N> {
    grad(|x, y| (x * y).sum(), x)
}

fn main() {}
