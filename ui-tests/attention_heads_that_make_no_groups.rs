use sinew::prelude::*;
use sinew::ops::scaled_dot_product_attention;

#[model]
fn f<B, T, D>(q: Tensor<B, 6, T, D>, k: Tensor<B, 4, T, D>) -> Tensor<B, 6, T, D> {
    scaled_dot_product_attention(q, k, k)
}

fn main() {}
