use sinew::prelude::*;

#[model]
fn f(m: &Linear<64, 10>, x: Tensor) -> Tensor<10> {
    m.forward(x)
}

fn main() {}
