use sinew::prelude::*;

#[model]
struct Norm<D> {
    mean: State<D>,
}

#[model]
fn f<B, D>(m: &Norm<D>, x: Tensor<B, D>) -> Tensor<B, D> {
    m.mean = x.mean(1);
    x - m.mean
}

fn main() {}
