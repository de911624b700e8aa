use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<bf16, B, 10>, y: Tensor<bf16, B>) -> Tensor<bf16> {
    cross_entropy(x, y)
}

fn main() {}
