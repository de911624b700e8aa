use sinew::prelude::*;

#[model]
fn f<B>(m: &Linear<64, 10>, x: Tensor<i32, B, 64>) -> Tensor<B, 10> {
    m.forward(x)
}

fn main() {}
