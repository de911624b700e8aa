use sinew::nn::LayerNormNoAffine;
use sinew::prelude::*;

#[model]
fn f<B>(m: &LayerNormNoAffine, x: Tensor<i32, B, 4>) -> Tensor<B, 4> {
    m.forward(x)
}

fn main() {}
