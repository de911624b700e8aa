use sinew::prelude::*;

#[model]
fn f(x: Tensor<2, 3>, i: Tensor<i32, 1>, y: Tensor<1, 3>) -> Tensor<2, 3> {
    let added = (x.index_add(i, y, axis = 2), x.scatter_add(i, y, 2));
    let part = x.slice(2, 0, 1);
    x
}

fn main() {}
