use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>, y: Tensor<5>) -> Tensor<B, 6> {
    x.set((.., 0), y)
}

fn main() {}
