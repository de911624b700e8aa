use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let mut s = 0.0;
    for (a, b) in x.iter().zip(x.iter().rev()) {
        s += a * b;
    }
    x + s
}

fn main() {}
