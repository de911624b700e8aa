use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let mut s = 0.0;
    for t in -1..3 {
        s += t;
    }
    x + s
}

fn main() {}
