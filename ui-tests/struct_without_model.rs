use sinew::prelude::*;

struct Plain;

#[model]
fn f<B>(m: &Plain, x: Tensor<B>) -> Tensor<B> {
    x
}

fn main() {}
