use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let mut s = 0.0;
    for (i, v) in x.iter().rev().enumerate() {
        s += v * i;
    }
    x + s
}

fn main() {}
