use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>) -> Tensor<B, 3> {
    let Some(a) = x.split([3, 3], 1);
    a.0 * a.1
}

fn main() {}
