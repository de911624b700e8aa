use sinew::prelude::*;

#[model(methods)]
struct Scale<D> {
    #[init(ones)]
    g: Param<D>,
}

#[model]
fn f<B, D>(m: &Scale<D>, x: Tensor<B, D>) -> Tensor<B, D> {
    x * m.g
}

fn main() {}
