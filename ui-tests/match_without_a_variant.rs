//! The variants without an arm are named.
use sinew::prelude::*;

#[model]
enum Activation {
    Relu,
    Gelu,
    Silu,
}

#[model]
struct Layer {
    act: Activation,
    last: bool,
}

#[model]
fn act<B>(m: &Layer, x: Tensor<B>) -> Tensor<B> {
    match m.act {
        Activation::Relu => x.relu(),
    }
}

#[model]
fn ended<B>(m: &Layer, x: Tensor<B>) -> Tensor<B> {
    match m.last {
        true => x,
    }
}

fn main() {}
