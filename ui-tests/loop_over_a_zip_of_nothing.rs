use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let mut s = 0.0;
    for v in x.iter().zip() {
        s += v;
    }
    x + s
}

fn main() {}
