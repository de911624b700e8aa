use sinew::prelude::*;

#[model]
struct Net {
    layers: [Linear<4, 4>; 3],
}

#[model]
fn f<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 4> {
    m.layers[0..2].forward(x)
}

fn main() {}
