use sinew::prelude::*;

#[model]
fn f(x: Tensor<4>) -> Tensor<4> {
    let mut s = 0.0;
    for t in 0..2 {
        s += x[t * 2];
    }
    x + s
}

fn main() {}
