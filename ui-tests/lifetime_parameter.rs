use sinew::prelude::*;

#[model]
struct Net {
    out: Linear<64, 10>,
}

#[model]
fn f<'a, B>(m: &'a Net, x: Tensor<B, 64>) -> Tensor<B, 10> {
    m.out.forward(x)
}

fn main() {}
