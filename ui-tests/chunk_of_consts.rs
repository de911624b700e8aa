use sinew::prelude::*;

const N: usize = 5;

#[model]
fn f(x: Tensor<N>) -> Tensor {
    let (a, b) = x.chunk(2);
    a.sum() + b.sum()
}

fn main() {}
