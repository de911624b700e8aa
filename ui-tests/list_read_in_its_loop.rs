use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    let mut ys = Vec::new();
    for v in x {
        ys.push(v + stack(ys).sum());
    }
    stack(ys)
}

fn main() {}
