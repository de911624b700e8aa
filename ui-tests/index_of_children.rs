use sinew::prelude::*;

#[model]
struct Net {
    layers: [Linear<4, 4>; 3],
}

#[model]
fn f<B>(m: &Net, x: Tensor<B, 4>) -> Tensor<B, 4> {
    let mut h = x;
    for i in 0..3 {
        h = m.layers[i].forward(h).relu();
    }
    h
}

fn main() {}
