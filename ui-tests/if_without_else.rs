use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let y = if B > 4 { x };
    y
}

fn main() {}
