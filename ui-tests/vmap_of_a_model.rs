use sinew::prelude::*;

#[model]
fn f<B, N>(m: &Linear<N, N>, x: Tensor<B, N>) -> Tensor<B, N> {
    vmap(|m, x| m.forward(x), m, x)
}

fn main() {}
