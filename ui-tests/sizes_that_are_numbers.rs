use sinew::prelude::*;

#[model]
struct Net {
    first: Linear<784, 512>,
    second: Linear<480, 10>,
}

#[model]
fn f<N>(m: &Net, x: Tensor<N, 784>) -> Tensor<N, 10> {
    m.second.forward(m.first.forward(x))
}

fn main() {}
