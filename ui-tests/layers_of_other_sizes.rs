use sinew::nn::{Bilinear, GroupNorm, LearnedPositions, LinearNoBias, Mlp, ResidualBlock, RmsNorm};
use sinew::prelude::*;

#[model]
fn maps<B>(a: &LinearNoBias<4, 2>, b: &Mlp<4, 2, 2>, c: &ResidualBlock<4, 2>, d: &Bilinear<4, 4, 2>, x: Tensor<B, 3>) -> Tensor<B> {
    let mapped = (a.forward(x), b.forward(x), c.forward(x), d.forward(x, x));
    x.sum(1)
}

#[model]
fn others<B>(a: &RmsNorm<4>, b: &GroupNorm<4, 2>, c: &LearnedPositions<9, 4>, x: Tensor<B, 3, 5>) -> Tensor<B> {
    let normed = (a.forward(x), b.forward(x), c.forward(x));
    x.sum([1, 2])
}

fn main() {}
