use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 7>) -> Tensor<B, 3> {
    x.reduce("b (t 2) -> b t")
}

fn main() {}
