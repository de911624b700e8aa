use sinew::prelude::*;

#[model]
fn f<B>(m: &Linear<64, 10>, x: Tensor<B, 64>) -> Tensor<B, 10> {
    Linear::<64>::forward(m, x)
}

fn main() {}
