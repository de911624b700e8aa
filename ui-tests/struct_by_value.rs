use sinew::prelude::*;

#[model]
fn f<B>(m: Linear<2, 2>, x: Tensor<B, 2>) -> Tensor<B, 2> {
    m.forward(x)
}

fn main() {}
