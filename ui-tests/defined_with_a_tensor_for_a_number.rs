use sinew::prelude::*;

#[model]
fn f<N>(x: Tensor<N>, a: Tensor<N>) -> Tensor<N> {
    x.celu(alpha = a)
}

fn main() {}
