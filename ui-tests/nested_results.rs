use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B>) -> (Tensor<B>, (Tensor<B>, Tensor<B>)) {
    (x, (x, x))
}

fn main() {
    let _ = f([1.0]);
}
