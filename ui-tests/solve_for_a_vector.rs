use sinew::prelude::*;
use sinew::ops::solve;

#[model]
fn f<N>(x: Tensor<N, N>, b: Tensor<N>) -> Tensor<N> {
    solve(x, b)
}

fn main() {}
