use sinew::prelude::*;

#[model]
fn f<B, K>(x: Tensor<B, 3, 8>, w: Tensor<4, 3, { K * K }>) -> Tensor<B, 4, 8> {
    x.conv1d(w, padding = "same")
}

fn main() {}
