use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let mut ys = Vec::new();
    ys.push(x);
    ys = x;
    x
}

fn main() {}
