use sinew::prelude::*;
use sinew::ops::scaled_dot_product_attention;

#[model]
fn f<B, T>(q: Tensor<B, 2, T, 64>, k: Tensor<B, 2, T, 32>) -> Tensor<B, 2, T, 32> {
    scaled_dot_product_attention(q, k, k, causal = true)
}

fn main() {}
