use sinew::ops::{avg_pool1d, conv3d, conv_transpose2d, global_avg_pool, im2col, max_pool1d};
use sinew::prelude::*;

#[model]
fn f(x: Tensor<4>, w: Tensor<4, 4, 2, 2>) -> Tensor<4> {
    let convolved = (conv3d(x, w), conv_transpose2d(x, w));
    let pooled = (max_pool1d(x, 9), avg_pool1d(x, 9), global_avg_pool(x));
    let columns = im2col(x, 2);
    x
}

fn main() {}
