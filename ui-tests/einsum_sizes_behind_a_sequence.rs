use sinew::prelude::*;

#[model]
fn f<S>(x: Tensor<[S], 5, 3>, y: Tensor<4>) -> Tensor<[S], 5> {
    einsum("...ti,i->...t", x, y)
}

fn main() {}
