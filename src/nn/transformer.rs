//! A layer of a transformer.

use super::{Activation, Dropout, KeyValueCache, LayerNorm, Linear, MultiHeadAttention};
use crate::{Tensor, model};

/// A layer of a transformer, with the normalisation in front (Xiong et al., "On layer normalization in the transformer
/// architecture", 2020):
///
/// ```text
/// x = x + drop(attention(norm1(x)))
/// y = x + drop(down(drop(activation(up(norm2(x))))))
/// ```
///
/// | | |
/// |---|---|
/// | shapes | `[B, T, D] -> [B, T, D]`; `step`: `[B, D] -> [B, D]` |
/// | `norm1`, `norm2: LayerNorm<D>` | |
/// | `attention: MultiHeadAttention<D, Heads>` | |
/// | `up: Linear<D, F>`, `down: Linear<F, D>` | |
/// | `activation: Activation` | `Relu` |
/// | `causal: bool` | `false`; whether an element sees those up to it alone |
/// | `dropout: f64` | 0.1; in a trainer's steps, also of the attention's weights |
/// | `eps: f64` | 1e-5; that of the norms |
///
/// It is PyTorch's `TransformerEncoderLayer(D, Heads, F, batch_first=True, norm_first=True)`. A file of one with
/// `norm_first=False` has the same tensors, and gives other values here. D is a multiple of `Heads`.
///
/// ```
/// use sinew::nn::{Activation, TransformerBlock};
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net<Layers> {
///     blocks: [TransformerBlock<8, 2, 32>; Layers],
///     #[default(Gelu)]
///     activation: Activation,
///     #[default(true)]
///     causal: bool,
/// }
///
/// #[model]
/// fn out<B, T, Layers>(m: &Net<Layers>, x: Tensor<B, T, 8>) -> Tensor<B, T, 8> {
///     let mut x = x;
///     for block in &m.blocks {
///         x = block.forward(x);
///     }
///     x
/// }
///
/// let config: NetConfig = serde_json::from_str(r#"{ "layers": 3 }"#)?;
/// assert_eq!(out(&Net::init(&config, 42)?, [[[0.5; 8]; 3]; 2])?.dim(), (2, 3, 8));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[model(methods)]
pub struct TransformerBlock<D, Heads, F> {
    /// In front of the attention.
    pub norm1: LayerNorm<D>,
    /// Between the elements of a sequence.
    #[pytorch("self_attn")]
    pub attention: MultiHeadAttention<D, Heads>,
    /// In front of the maps of each element.
    pub norm2: LayerNorm<D>,
    /// To the features between the maps.
    #[pytorch("linear1")]
    pub up: Linear<D, F>,
    /// Back from them.
    #[pytorch("linear2")]
    pub down: Linear<F, D>,
    /// What leaves out elements.
    pub drop: Dropout,
    /// What stands between the maps.
    #[default(Relu)]
    pub activation: Activation,
    /// Whether an element sees those up to it alone.
    #[default(false)]
    pub causal: bool,
    /// The probability of leaving out an element.
    #[default(0.1)]
    pub dropout: f64,
    /// What keeps the norms' divisors from 0.
    #[default(1e-5)]
    pub eps: f64,
}

#[model(pub, where(D == Heads * (D / Heads)))]
impl<D, Heads, F> TransformerBlock<D, Heads, F> {
    /// The layer of whole sequences: `[B, T, D] -> [B, T, D]`.
    pub fn forward<B, T>(&self, x: Tensor<B, T, D>) -> Tensor<B, T, D> {
        let attended = self.attention.forward(self.norm1.forward(x));
        let x = x + self.drop.forward(attended);
        let hidden = self.activation.of(self.up.forward(self.norm2.forward(x)));
        x + self
            .drop
            .forward(self.down.forward(self.drop.forward(hidden)))
    }

    /// The layer of one more element, whose attention is to those before it that the cache has: `[B, D] -> [B, D]`.
    pub fn step<B, T>(&self, x: Tensor<B, D>, cache: &KeyValueCache<B, T, D>) -> Tensor<B, D> {
        let attended = self.attention.step(self.norm1.forward(x), cache);
        let x = x + self.drop.forward(attended);
        let hidden = self.activation.of(self.up.forward(self.norm2.forward(x)));
        x + self
            .drop
            .forward(self.down.forward(self.drop.forward(hidden)))
    }
}
