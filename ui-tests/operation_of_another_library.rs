use sinew::prelude::*;

#[model]
fn product<B>(x: Tensor<B, 3>, w: Tensor<3, 2>) -> Tensor<B, 2> {
    x.mm(w)
}

#[model]
fn called<B>(x: Tensor<B, 3>, w: Tensor<3, 2>) -> Tensor<B, 2> {
    bmm(x, w)
}

#[model]
fn arranged<B>(x: Tensor<B, 28, 28>) -> Tensor<B, 784> {
    x.view([-1, 784])
}

#[model]
fn sized<B>(x: Tensor<B, 3>) -> Tensor {
    x.sum() / x.size(0)
}

#[model]
fn held<B>(x: Tensor<B>) -> Tensor<B> {
    x.detach()
}

#[model]
fn logarithm<B>(x: Tensor<B>) -> Tensor<B> {
    x.ln()
}

fn main() {}
