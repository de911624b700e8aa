use sinew::prelude::*;

const N: usize = 4;
const M: usize = 5;

#[model]
fn f(x: Tensor<N, 3>, y: Tensor<M>) -> Tensor<3> {
    einsum("ij,i", x, y)
}

fn main() {}
