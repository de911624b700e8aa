//! Transformers over characters: layer norms in front, learned positions, one product for queries, keys and values.

use super::How;
use crate::Outcome;
use crate::data::Data;
use crate::protocol::{Ask, Ready, steps_of};
use sinew::nn::{LayerNorm, LinearNoBias};
use sinew::ops::scaled_dot_product_attention;
use sinew::prelude::*;

/// How many characters there are.
const CHARACTERS: usize = 96;

#[model(methods)]
struct Block<D, Heads> {
    ln1: LayerNorm<D>,
    qkv: Linear<D, { 3 * D }>,
    proj: Linear<D, D>,
    ln2: LayerNorm<D>,
    fc: Linear<D, { 4 * D }>,
    out: Linear<{ 4 * D }, D>,
    #[default(1e-5)]
    eps: f64,
}

#[model]
impl<D, Heads> Block<D, Heads> {
    #[model(where(D == Heads * (D / Heads)))]
    fn forward<B, T>(&self, x: Tensor<B, T, D>) -> Tensor<B, T, D> {
        let qkv = self.qkv.forward(self.ln1.forward(x));
        let q = qkv[(.., .., 0..D)].split_heads(Heads);
        let k = qkv[(.., .., D..2 * D)].split_heads(Heads);
        let v = qkv[(.., .., 2 * D..3 * D)].split_heads(Heads);
        let seen = scaled_dot_product_attention(q, k, v, causal = true);
        let x = x + self.proj.forward(seen.merge_heads());
        let hidden = self.fc.forward(self.ln2.forward(x));
        x + self.out.forward(hidden.gelu(approximate = "tanh"))
    }
}

#[model]
struct Gpt<D, Heads, Layers, T> {
    #[init(normal(0.02))]
    tok: Param<CHARACTERS, D>,
    #[init(normal(0.02))]
    pos: Param<T, D>,
    blocks: [Block<D, Heads>; Layers],
    lnf: LayerNorm<D>,
    head: LinearNoBias<D, CHARACTERS>,
    #[default(1e-5)]
    eps: f64,
}

#[model(where(D == Heads * (D / Heads)))]
fn loss<B, D, Heads, Layers, T>(
    m: &Gpt<D, Heads, Layers, T>,
    x: Tensor<i32, B, T>,
    y: Tensor<i32, B, T>,
) -> Tensor {
    let mut h = m.tok.take(x, axis = 0) + m.pos;
    for block in &m.blocks {
        h = block.forward(h);
    }
    cross_entropy(m.head.forward(m.lnf.forward(h)), y, axis = -1)
}

/// `blocks.3.ln1.w` is `3.ln1.g` there.
fn name(path: &str) -> String {
    let path = path.strip_prefix("blocks.").unwrap_or(path);
    match path.rsplit_once('.') {
        Some((norm, "w")) if norm.contains("ln") => format!("{norm}.g"),
        _ => path.into(),
    }
}

fn train(data: &Data, how: How, config: GptConfig, batch: usize) -> Outcome<Ready> {
    let shape = [batch, config.T];
    let model = data.model(Gpt::init(&config, 0)?, name)?;
    let labels = |i| data.labels(i, &shape, CHARACTERS);
    let (x, y) = (labels(0)?, labels(1)?);
    Ready::build(|| {
        let optimizer = AdamW::new(3e-4).weight_decay(0.01);
        let mut train = built!(loss::train(model).optimizer(optimizer), how);
        Ok(steps_of!(train, &x, &y))
    })
}

/// 4 layers of width 128 with 4 heads, 128 characters, batch 16.
///
/// # Errors
/// A file of another workload; what the library refuses.
pub fn nano(data: &Data, how: How) -> Outcome<Ready> {
    let config = GptConfig {
        D: 128,
        Heads: 4,
        Layers: 4,
        T: 128,
        eps: 1e-5,
    };
    train(data, how, config, 16)
}

/// 6 layers of width 384 with 6 heads, 256 characters, batch 8.
///
/// # Errors
/// As [`nano`].
pub fn small(data: &Data, how: How) -> Outcome<Ready> {
    let config = GptConfig {
        D: 384,
        Heads: 6,
        Layers: 6,
        T: 256,
        eps: 1e-5,
    };
    train(data, how, config, 8)
}
