use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3>) -> Tensor<B, 0, 5> {
    x.windows(5)
}

fn main() {}
