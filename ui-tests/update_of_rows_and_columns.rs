use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 6>, i: Tensor<i32, 2>) -> Tensor<B, 6> {
    x.set((i, 0), 1.0)
}

fn main() {}
