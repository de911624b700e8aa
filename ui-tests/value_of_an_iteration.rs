use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    for v in x {
        v.exp()
    }
    x
}

fn main() {}
