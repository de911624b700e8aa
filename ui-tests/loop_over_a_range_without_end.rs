use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let mut s = 0.0;
    for t in 0.. {
        s += t;
    }
    x + s
}

fn main() {}
