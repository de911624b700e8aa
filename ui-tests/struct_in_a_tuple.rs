use sinew::prelude::*;

#[model]
struct Net {
    out: Linear<4, 2>,
}

#[model]
fn f<B>(pair: (&Net, Tensor<B, 4>)) -> Tensor<B, 2> {
    pair.0.out.forward(pair.1)
}

fn main() {}
