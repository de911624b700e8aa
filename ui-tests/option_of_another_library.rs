use sinew::prelude::*;

#[model(no_grad)]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    x.exp()
}

fn main() {}
