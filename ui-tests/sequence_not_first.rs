use sinew::prelude::*;

#[model]
fn f<H, S>(x: Tensor<H, [S]>) -> Tensor<H, [S]> {
    x
}

fn main() {}
