use sinew::prelude::*;

#[model]
fn f<B>(m: &mut Linear<64, 10>, x: Tensor<B, 64>) -> Tensor<B, 10> {
    m.forward(x)
}

fn main() {}
