use sinew::prelude::*;

#[model]
fn f<B, N>(x: Tensor<B, N>, y: Tensor<N>) -> Tensor<B, N> {
    vmap(|x, y| x * y, x, y)
}

fn main() {}
