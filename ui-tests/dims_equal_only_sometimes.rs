use sinew::prelude::*;

#[model]
fn f<A, B>(x: Tensor<A>, y: Tensor<B>) -> Tensor<A> {
    x * y
}

fn main() {}
