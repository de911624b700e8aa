use sinew::prelude::*;

#[model]
fn assigns<N>(x: Tensor<N>) -> Tensor<N> {
    let mut count = 0.0;
    let g = grad(|x| { count += 1.0; x.sum() }, x);
    g * count
}

#[model]
fn pushes<N>(x: Tensor<N>) -> Tensor<1, N> {
    let mut ys = Vec::new();
    let _ = grad(|x| { ys.push(x); x.sum() }, x);
    stack(ys)
}

fn main() {}
