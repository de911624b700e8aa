use sinew::nn::Gru;
use sinew::prelude::*;

#[model]
struct Net {
    gru: Gru<3, 16, 2>,
    out: Linear<16, 1>,
}

#[model]
fn out<B, T>(m: &Net, x: Tensor<B, T, 3>) -> Tensor<B, T, 1> {
    m.out.forward(m.gru.forward(x))
}

fn main() {}
