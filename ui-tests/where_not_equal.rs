use sinew::prelude::*;

#[model(where(H != D))]
fn f<H, D>(x: Tensor<H, D>) -> Tensor<D, H> {
    x.t()
}

fn main() {}
