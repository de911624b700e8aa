use sinew::prelude::*;

#[model]
fn f<T>(x: Tensor<T>) -> Tensor<T> {
    x.roll(1, 0)
}

fn main() {}
