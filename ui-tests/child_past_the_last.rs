use sinew::prelude::*;

const LAYERS: usize = 3;
const BEHIND: usize = 3;

#[model]
struct Net {
    layers: [Linear<4, 4>; 3],
    more: [Linear<4, 4>; LAYERS],
}

#[model]
fn literal<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 4> {
    m.layers[3].forward(x) + m.layers[-4].forward(x)
}

#[model]
fn looped<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 4> {
    let mut h = x;
    for i in 0..3 {
        h = m.layers[i + 1].forward(h);
    }
    h
}

#[model]
fn constant<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 4> {
    m.more[BEHIND].forward(x)
}

fn main() {}
