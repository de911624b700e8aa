use sinew::nn::PaddedEmbedding;
use sinew::prelude::*;

#[model]
fn f<B>(m: &PaddedEmbedding<9, 4>, x: Tensor<B, 4>) -> Tensor<B, 4> {
    m.forward(x)
}

fn main() {}
