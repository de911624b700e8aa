use sinew::prelude::*;

#[model]
fn f<B, C>(x: Tensor<B>, y: Tensor<C>) -> Tensor<B> {
    let mut s = 0.0;
    for (a, b) in x.iter().zip(y) {
        s += a * b;
    }
    x + s
}

fn main() {}
