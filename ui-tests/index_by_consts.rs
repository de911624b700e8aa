use sinew::prelude::*;

const N: usize = 100;
const M: usize = 3;

#[model]
fn f(x: Tensor<64>) -> Tensor {
    x[(0..N)].sum() + x[(M..2)].sum() + x[(M..64)].sum()
}

fn main() {}
