use sinew::prelude::*;

#[model(allow(softmax_before_crossentropy))]
fn loss<B>(x: Tensor<B, 4>, y: Tensor<i32, B>) -> Tensor {
    cross_entropy(x.softmax(), y)
}

fn main() {}
