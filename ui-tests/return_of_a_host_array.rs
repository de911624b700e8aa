use sinew::prelude::*;

#[model]
fn f<B>(x: Tensor<B, 4>) -> Array2<f32> {
    x.relu()
}

fn main() {}
