use sinew::prelude::*;

#[model]
fn f<B>(x: Array2<f32>, y: &ndarray::ArrayView1<'_, i32>) -> Tensor {
    x.sum()
}

fn main() {}
