use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<i32, B>) -> Tensor<i32, { B + 2 }> {
    x.pad([(1, 1)], value = 0.5)
}

fn main() {}
