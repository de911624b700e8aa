use sinew::ops::*;
use sinew::prelude::*;

#[model]
fn f(x: Tensor<3, 1>, y: Tensor<3>, z: Tensor<4>) -> Tensor {
    let near = (mse_loss(x, y), l1_loss(x, y), mae(x, z), smooth_l1_loss(x, y), huber_loss(x, y));
    let likely = (binary_cross_entropy(x, y), bce_with_logits(x, y), binary_cross_entropy_with_logits(y, z, pos_weight = y));
    let counted = (kl_div(x, y), poisson_nll_loss(x, y), gaussian_nll_loss(y, y, x));
    let signs = (hinge_loss(x, y), hinge_embedding_loss(x, y), margin_ranking_loss(y, y, x));
    let vectors = (cosine_similarity(y, z), cosine_embedding_loss(x, x, x), triplet_margin_loss(x, x, y));
    y.sum()
}

fn main() {}
