use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    #[cfg(any())]
    let x = x * 2;
    #[allow(clippy::all)]
    let y = x + 1;
    y
}

fn main() {}
