use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> () {}

fn main() {}
