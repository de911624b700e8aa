use sinew::prelude::*;

#[model(where(N % 2 == 0))]
fn f<N>(x: Tensor<N>) -> Tensor {
    x.sum()
}

fn main() {}
