use sinew::prelude::*;

#[model]
fn without_else<B>(x: Tensor<B>) -> Tensor<2, B> {
    let mut ys = Vec::new();
    ys.push(x);
    if B > 4 {
        ys.push(-x);
    }
    stack(ys)
}

#[model]
fn twice<B>(x: Tensor<B>) -> Tensor<2, B> {
    let mut ys = Vec::new();
    if B > 4 {
        ys.push(-x);
    } else {
        ys.push(x);
        ys.push(2.0 * x);
    }
    stack(ys)
}

fn main() {}
