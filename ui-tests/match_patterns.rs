use sinew::prelude::*;

#[model]
fn binds<B>(x: Tensor<B>) -> Tensor<B> {
    match B {
        1 => x,
        n => x * 2.0,
    }
}

#[model]
fn guards<B>(x: Tensor<B>) -> Tensor<B> {
    match B {
        1 if true => x,
        _ => x * 2.0,
    }
}

fn main() {}
