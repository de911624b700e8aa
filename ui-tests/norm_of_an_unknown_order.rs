use sinew::prelude::*;

#[model]
fn f<B, N>(x: Tensor<B, N>) -> Tensor<B> {
    x.norm(-1, ord = "nuc")
}

fn main() {}
