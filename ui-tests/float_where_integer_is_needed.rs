use sinew::prelude::*;

#[model]
fn f<B>(table: Tensor<10, 4>, x: Tensor<B>) -> Tensor<B, 4> {
    table.take(x, 0)
}

fn main() {}
