use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>, nothing: ()) -> Tensor<B> {
    x
}

fn main() {}
