use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let mut s = (x, x);
    for t in 0..3 {
        s = (x, x, x);
    }
    s.0
}

fn main() {}
