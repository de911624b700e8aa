use sinew::ops::randint;
use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<i32, B>) -> Tensor<i32, B> {
    x + randint([B], 0, 4294967296)
}

fn main() {}
