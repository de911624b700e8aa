use sinew::prelude::*;

#[model]
fn few<B>(x: Tensor<B>) -> Tensor<B> {
    match B {
        1 => x,
        2 => x * 2.0,
    }
}

#[model]
fn many<B>(x: Tensor<B>) -> Tensor<B> {
    match B {
        _ => x,
        2 => x * 2.0,
    }
}

fn main() {}
