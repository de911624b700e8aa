use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B, 3> {
    let parts = x.split([3, 3], 1);
    parts.exp()
}

fn main() {}
