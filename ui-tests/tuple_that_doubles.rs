use sinew::prelude::*;

#[model]
#[rustfmt::skip]
fn f<N>(x: Tensor<N>) -> Tensor {
    let t = (x, x);
    let t = (t, t); let t = (t, t); let t = (t, t); let t = (t, t); let t = (t, t);
    let t = (t, t); let t = (t, t); let t = (t, t); let t = (t, t); let t = (t, t);
    x.sum()
}

fn main() {}
