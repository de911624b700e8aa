use sinew::prelude::*;

#[model]
struct Norm { mean: State<4> }
#[model]
fn gap(a: &Norm, b: &Norm) -> Tensor<4> {
    a.mean - b.mean
}

#[model]
fn f(m: &Norm) -> Tensor<4> {
    gap(m, m)
}

fn main() {}
