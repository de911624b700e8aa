use sinew::prelude::*;

#[model]
fn f<B>(ids: Tensor<i32, B>, table: Tensor<10, 4>) -> Tensor<B, 4> {
    take(ids, table, 0)
}

fn main() {}
