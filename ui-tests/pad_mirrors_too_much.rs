use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 3>) -> Tensor<B, 6> {
    x.pad([(0, 3)], mode = "reflect")
}

fn main() {}
