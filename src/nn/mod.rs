//! Layers, written in the language itself.
//!
//! Each says its formula and its source, the shapes of its parameters and of what it takes and gives, how its
//! parameters start ([`initialisers`](crate::language::initialisers) has the formulas), and its defaults.
//!
//! | for | layers |
//! |---|---|
//! | maps | [`Linear`], [`LinearNoBias`], [`Bilinear`], [`Mlp`], [`ResidualBlock`] |
//! | words | [`Embedding`], [`PaddedEmbedding`] |
//! | means and spreads | [`LayerNorm`], [`LayerNormNoAffine`], [`RmsNorm`], [`GroupNorm`], [`InstanceNorm`], [`BatchNorm1d`], [`BatchNorm2d`] |
//! | images and rows | [`Conv1d`], [`Conv2d`], [`ConvTranspose2d`], [`MaxPool2d`] |
//! | sequences, step by step | [`Rnn`], [`Lstm`], [`Gru`], in both directions [`BiRnn`], [`BiLstm`], [`BiGru`]; their cells [`RnnCell`], [`LstmCell`], [`GruCell`] |
//! | attention | [`MultiHeadAttention`], [`DotProductAttention`], [`KeyValueCache`], [`TransformerBlock`] |
//! | places in a sequence | [`rotary`](fn@rotary), [`sinusoidal`](fn@sinusoidal), [`LearnedPositions`] |
//! | one number each | [`Activation`], [`Dropout`] |
//!
//! The prelude brings [`Linear`]; others are imported by name.
//!
//! # Settings
//!
//! A layer's settings (`eps`, `dropout`, `activation`, ..) have defaults. A struct that holds layers sets them by a field
//! of the same name and type, for all layers in it that have such a setting, and passes them on to its own
//! `..Config`, as [`configuration`](crate::language::configuration#children) says.
//!
//! ```
//! use sinew::nn::{Activation, LayerNorm, Mlp};
//! use sinew::prelude::*;
//!
//! #[model]
//! struct Net {
//!     norm: LayerNorm<8>,
//!     mlp: Mlp<8, 32, 2>,
//!     #[default(Silu)]
//!     activation: Activation,         // that of `mlp`, whose default is `Relu`
//! }
//!
//! #[model]
//! fn out<B>(m: &Net, x: Tensor<B, 8>) -> Tensor<B, 2> {
//!     m.mlp.forward(m.norm.forward(x))
//! }
//!
//! let net = Net::init(&serde_json::from_str::<NetConfig>("{}")?, 42)?;
//! assert_eq!((net.mlp.activation, net.norm.eps), (Activation::Silu, 1e-5));
//! assert_eq!(out(&net, [[0.5; 8]])?.dim(), (1, 2));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What PyTorch has as a flag that adds parameters is a layer of its own here, since the parameters of a struct are
//! those that its type says: [`LinearNoBias`] is PyTorch's `Linear(bias=False)`.
//!
//! # PyTorch's files
//!
//! Each layer says what PyTorch calls its parameters and states, so that [`Loader::pytorch`](crate::Loader::pytorch) reads
//! a file of PyTorch's, and [`save_for_pytorch`](crate::Model::save_for_pytorch) writes one:
//!
//! | layers | here | there |
//! |---|---|---|
//! | [`Linear`], [`LinearNoBias`] | `w`, `b` | `weight` transposed, `bias` |
//! | [`Bilinear`], convolutions and their transpose, norms | `w`, `b` | `weight`, `bias` |
//! | [`BatchNorm1d`], [`BatchNorm2d`] | `mean`, `variance` | `running_mean`, `running_var` |
//! | [`Embedding`], [`PaddedEmbedding`], [`LearnedPositions`] | `w` | `weight`, that of an `Embedding` |
//! | [`RnnCell`], [`LstmCell`], [`GruCell`] | `w_ih`, `w_hh`, `b_ih`, `b_hh` | `weight_ih` and `weight_hh` transposed, `bias_ih`, `bias_hh` |
//! | layers of these | in `first`, `rest.0`, .. | the same with `_l0`, `_l1`, .. behind |
//! | both directions | in `first_reversed`, `rest_reversed.0`, .. | with `_l0_reverse`, `_l1_reverse`, .. behind |
//! | [`MultiHeadAttention`] | `w_in`, `b_in`, `w_out`, `b_out` | `in_proj_weight` transposed, `in_proj_bias`, `out_proj.weight` transposed, `out_proj.bias` |
//! | [`TransformerBlock`] | in `attention`, `up`, `down` | in `self_attn`, `linear1`, `linear2` |
//!
//! Layouts differ in that transposition alone. Gates, queries with keys and values, and the axes of kernels stand in
//! PyTorch's order. A file has tensors and no settings: `eps`, activations, `norm_first` and the like are those of the
//! structs here, whatever they were there. A layer of your own says its names as these do
//! ([`items`](crate::language::items#names-in-pytorchs-files)).

mod activation;
mod attention;
mod batch_norm;
mod bilinear;
mod conv;
mod dropout;
mod embedding;
mod group_norm;
mod gru;
mod layer_norm;
mod linear;
mod lstm;
mod mlp;
mod positions;
mod rnn;
mod transformer;

pub use activation::Activation;
pub use attention::{
    DotProductAttention, DotProductAttentionConfig, KeyValueCache, KeyValueCacheConfig,
    MultiHeadAttention, MultiHeadAttentionConfig, MultiHeadAttentionNoBias,
    MultiHeadAttentionNoBiasConfig,
};
pub use batch_norm::{BatchNorm1d, BatchNorm1dConfig, BatchNorm2d, BatchNorm2dConfig};
pub use bilinear::{Bilinear, BilinearConfig};
pub use conv::{
    Conv1d, Conv1dConfig, Conv2d, Conv2dConfig, ConvTranspose2d, ConvTranspose2dConfig, MaxPool2d,
    MaxPool2dConfig,
};
pub use dropout::{Dropout, DropoutConfig};
pub use embedding::{Embedding, EmbeddingConfig, PaddedEmbedding, PaddedEmbeddingConfig};
pub use group_norm::{GroupNorm, GroupNormConfig, InstanceNorm, InstanceNormConfig};
pub use gru::{BiGru, BiGruConfig, Gru, GruCell, GruCellConfig, GruConfig};
pub use layer_norm::{
    LayerNorm, LayerNormConfig, LayerNormNoAffine, LayerNormNoAffineConfig, RmsNorm, RmsNormConfig,
};
pub use linear::{Linear, LinearConfig, LinearNoBias, LinearNoBiasConfig};
pub use lstm::{BiLstm, BiLstmConfig, Lstm, LstmCell, LstmCellConfig, LstmConfig};
pub use mlp::{Mlp, MlpConfig, ResidualBlock, ResidualBlockConfig};
pub use positions::{LearnedPositions, LearnedPositionsConfig, rotary, sinusoidal};
pub use rnn::{BiRnn, BiRnnConfig, Rnn, RnnCell, RnnCellConfig, RnnConfig};
pub use transformer::{TransformerBlock, TransformerBlockConfig};
