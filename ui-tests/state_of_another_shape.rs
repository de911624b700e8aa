use sinew::prelude::*;

#[model]
struct Net<D> {
    mean: State<D>,
}

#[model]
fn f<B>(m: &Net<B>, x: Tensor<B>) -> Tensor<B> {
    m.mean = x;
    x
}

fn main() {}
