use sinew::ops::cosine_embedding_loss;
use sinew::prelude::*;

#[model]
fn f<B, D>(x: Tensor<B, D>, y: Tensor<B, D>, target: Tensor<B, 1>) -> Tensor {
    cosine_embedding_loss(x, y, target) + cosine_embedding_loss(x.sum(), y.sum(), x.sum())
}

fn main() {}
