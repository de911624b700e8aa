use sinew::prelude::*;

#[model]
fn f<A, B>(a: Tensor<A>, b: Tensor<B>) -> Tensor<bool, A> {
    a > b
}

fn main() {}
