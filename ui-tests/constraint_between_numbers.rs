use sinew::prelude::*;

#[model(where(E == H * D))]
fn heads<E, H, D>(x: Tensor<E>, y: Tensor<H, D>) -> Tensor<H, D> {
    x.reshape([H, D]) + y
}

#[model]
fn f(x: Tensor<512>, y: Tensor<8, 60>) -> Tensor<8, 60> {
    heads(x, y)
}

fn main() {}
