use sinew::nn::{Embedding, LayerNorm, Mlp};
use sinew::prelude::*;

#[model]
struct Net {
    words: Embedding<100, 8>,
    norm: LayerNorm<16>,
    mlp: Mlp<8, 32, 2>,
}

#[model]
fn out<B>(m: &Net, i: Tensor<i32, B>) -> Tensor<B, 2> {
    m.mlp.forward(m.norm.forward(m.words.forward(i)))
}

fn main() {}
