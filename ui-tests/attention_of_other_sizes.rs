use sinew::nn::{DotProductAttention, KeyValueCache, MultiHeadAttention, MultiHeadAttentionNoBias, TransformerBlock};
use sinew::prelude::*;

#[model]
fn attended<B, T>(a: &MultiHeadAttentionNoBias<4, 2>, b: &TransformerBlock<4, 2, 8>, c: &DotProductAttention, x: Tensor<B, T, 6>) -> Tensor<B> {
    let whole = (a.forward(x), b.forward(x), c.forward(x, x, x));
    x.sum([1, 2])
}

#[model]
fn step<B>(a: &MultiHeadAttention<4, 2>, cache: &KeyValueCache<B, 9, 6>, x: Tensor<B, 4>) -> Tensor<B, 4> {
    a.step(x, cache)
}

fn main() {}
