use sinew::prelude::*;

#[model]
fn f(x: Tensor) -> (Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor) {
    (x, x, x, x, x, x, x, x, x)
}

fn main() {}
