use sinew::prelude::*;

const HIDDEN: usize = 128;

#[model]
struct Net {
    out: Linear<HIDDEN, 10>,
}

#[model]
fn f<B>(m: &Net, x: Tensor<B, 100>) -> Tensor<B, 10> {
    m.out.forward(x)
}

fn main() {}
