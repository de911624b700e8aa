use sinew::prelude::*;

#[model(pub)]
fn f<B>(x: Tensor<B>) -> Tensor<B> {
    x
}

fn main() {
    let _ = f([1.0]);
}
