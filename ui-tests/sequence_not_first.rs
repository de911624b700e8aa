use sinew::prelude::*;

#[model]
fn f<H, S>(x: Tensor<H, [S]>) -> Tensor {
    x.sum()
}

fn main() {}
