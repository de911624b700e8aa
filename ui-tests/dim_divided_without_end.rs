use sinew::prelude::*;

#[model]
fn f<N, K>(
    x: Tensor<{ N / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K / K }>,
    y: Tensor<N, K>,
) -> Tensor {
    x.sum() + y.sum()
}

fn main() {}
