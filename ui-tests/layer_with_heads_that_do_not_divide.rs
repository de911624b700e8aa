use sinew::nn::MultiHeadAttention;
use sinew::prelude::*;

#[model]
struct Net {
    attention: MultiHeadAttention<8, 3>,
}

#[model]
fn attended<B, T>(m: &Net, x: Tensor<B, T, 8>) -> Tensor<B, T, 8> {
    m.attention.forward(x)
}

#[model]
fn of_any<B, T, D, Heads>(m: &MultiHeadAttention<D, Heads>, x: Tensor<B, T, D>) -> Tensor<B, T, D> {
    m.forward(x)
}

fn main() {}
