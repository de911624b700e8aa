use sinew::prelude::*;

use sinew::ops::argsort;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let mut s = x;
    for t in 0..3 {
        s = s.argsort();
    }
    s
}

fn main() {}
