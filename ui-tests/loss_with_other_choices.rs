use sinew::ops::{gaussian_nll_loss, kl_div, l1_loss, smooth_l1_loss};
use sinew::prelude::*;

#[model]
fn f<N>(x: Tensor<N>, y: Tensor<N>) -> Tensor {
    let reduced = (l1_loss(x, y, reduction = "batchmean"), kl_div(x, y, "batch"));
    let said = (gaussian_nll_loss(x, y, 1.0, full = 1), smooth_l1_loss(x, y, beta = y), l1_loss(x, y, weight = y));
    x.sum()
}

fn main() {}
