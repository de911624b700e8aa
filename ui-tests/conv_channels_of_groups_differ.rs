use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 8, 9>, w: Tensor<4, 8, 3>) -> Tensor<B, 4, 7> {
    x.conv1d(w, groups = 2)
}

fn main() {}
