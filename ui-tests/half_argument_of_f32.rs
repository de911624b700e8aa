use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<f16, B>) -> Tensor<f16> {
    x.sum()
}

fn main() {
    let _ = f([1.0f32, 2.0]);
}
