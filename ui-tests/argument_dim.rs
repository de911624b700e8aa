use sinew::prelude::*;

#[model]
struct Net {
    out: Linear<64, 10>,
}

#[model]
fn f<B, D>(m: &Net, x: Tensor<B, D>) -> Tensor<B, 10> {
    m.out.forward(x)
}

fn main() {}
