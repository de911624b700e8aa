use sinew::prelude::*;

const N: usize = 100;

#[model]
fn f(x: Tensor<N>) -> Tensor {
    let (a, b) = x.split([64, 37]);
    a.sum() + b.sum()
}

fn main() {}
