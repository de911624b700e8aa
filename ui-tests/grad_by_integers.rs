use sinew::prelude::*;

#[model]
fn f<N>(x: Tensor<N>, i: Tensor<i32, N>) -> Tensor<N> {
    let (by_x, _) = grad(|x, i| (x * i.cast(float)).sum(), x, i);
    by_x
}

fn main() {}
