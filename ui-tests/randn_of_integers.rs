use sinew::ops::randn;
use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<i32, B>) -> Tensor<i32, B> {
    x + randn([B], dtype = i32)
}

fn main() {}
