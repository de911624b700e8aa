use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let pair = Pair { first: x, second: x };
    pair.first
}

fn main() {}
