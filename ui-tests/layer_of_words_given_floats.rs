use sinew::nn::Embedding;
use sinew::prelude::*;

#[model]
struct Net {
    words: Embedding<100, 8>,
}

#[model]
fn embedded<B>(m: &Net, x: Tensor<B>) -> Tensor<B, 8> {
    m.words.forward(x)
}

fn main() {}
