use sinew::prelude::*;

#[model]
fn f<S>(x: Tensor<[S], 3>) -> Tensor<3, 3> {
    einsum("...i->i...", x)
}

fn main() {}
