use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<2, B> {
    let mut ys = Vec::new();
    ys.push(x);
    if B > 4 {
        ys.push(-x);
    }
    stack(ys)
}

fn main() {}
