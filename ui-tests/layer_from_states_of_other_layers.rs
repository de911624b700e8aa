use sinew::nn::BiGru;
use sinew::prelude::*;

#[model]
struct Net {
    gru: BiGru<3, 16, 2>,
}

#[model]
fn out<B, T>(m: &Net, x: Tensor<B, T, 3>, h: Tensor<2, B, 16>) -> Tensor<B, T, 32> {
    m.gru.forward_from(x, h).0
}

fn main() {}
