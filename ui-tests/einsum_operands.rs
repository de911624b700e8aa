use sinew::prelude::*;

#[model]
fn f<B>(q: Tensor<B, 3>) -> Tensor<B, B> {
    einsum("id,jd->ij", q)
}

fn main() {}
