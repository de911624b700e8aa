use sinew::ops::{atan2, logaddexp, where_causal};
use sinew::prelude::*;

#[model]
fn f(x: Tensor<2, 3>, y: Tensor<4>) -> Tensor<2, 3> {
    let pairs = (minimum(x, y), maximum(x, y), atan2(x, y), logaddexp(x, y), x.clamp(y, 1.0));
    let chosen = (where_(x > 0, x, y), select(x > 0, x, y), where_causal(x, y));
    let spread = (y.broadcast_to([2, 3]), y.expand([2, 3]), x.sum_to([4]));
    x
}

fn main() {}
