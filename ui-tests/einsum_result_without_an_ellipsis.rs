use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3>) -> Tensor<3> {
    einsum("...i->i", x)
}

fn main() {}
