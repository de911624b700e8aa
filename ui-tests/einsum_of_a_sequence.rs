use sinew::prelude::*;

#[model]
fn f<S, B>(x: Tensor<[S], B, 3>) -> Tensor<[S], B, 3> {
    einsum("bi->bi", x)
}

fn main() {}
