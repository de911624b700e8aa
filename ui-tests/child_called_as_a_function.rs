//! Layers are called by a method.
use sinew::prelude::*;

#[model]
struct Net {
    hidden: Linear<4, 8>,
    #[init(zeros)]
    scale: Param<8>,
}

#[model]
fn forward<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 8> {
    m.hidden(x).relu()
}

#[model]
fn scaled<B>(m: &Net, x: Tensor<B, 8>) -> Tensor<B, 8> {
    x * m.scale()
}

fn main() {}
