use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    vmap(|x| x.exp(), x, axis = 1)
}

#[model]
fn g<B>(x: Tensor<B>) -> Tensor<B> {
    vmap(|x| x.exp(), x, out_axis = -2)
}

fn main() {}
