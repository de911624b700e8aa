//! Attention: of queries to keys, in several heads, and with what earlier steps left.

use crate::{
    Param, State, Tensor, model,
    ops::{arange, iota, matmul, where_},
};

/// What stands for minus infinity before a softmax: far below all scores, and finite in f32.
const UNSEEN: f64 = -1e30;

/// Scaled dot-product attention: `y = softmax(q k^T / sqrt(K)) v` (Vaswani et al., "Attention is all you need", 2017).
///
/// | | |
/// |---|---|
/// | shapes | `q: [B, H, T, K]`, `k: [B, H, S, K]`, `v: [B, H, S, V] -> [B, H, T, V]` |
/// | parameters | none |
/// | `causal: bool` | `false`; whether query t sees the keys up to t alone |
/// | `dropout: f64` | 0.0; of the weights behind the softmax, in a trainer's steps |
///
/// H are heads. It is PyTorch's `scaled_dot_product_attention`.
///
/// ```
/// use sinew::nn::{DotProductAttention, DotProductAttentionConfig};
/// use sinew::prelude::*;
///
/// let config = DotProductAttentionConfig { causal: true, dropout: 0.0 };
/// let attention = DotProductAttention::init(&config, 0)?;
/// let (q, k, v) = ([[[[0.0], [0.0]]]], [[[[1.0], [2.0]]]], [[[[3.0], [5.0]]]]);
/// let y = attention.forward(q, k, v)?;
/// assert!(y.iter().eq(&[3.0, 4.0]));          // the first query sees the first key only
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct DotProductAttention {
    /// Whether a query sees the keys up to its own place alone.
    #[default(false)]
    pub causal: bool,
    /// The probability of leaving out a weight.
    #[default(0.0)]
    pub dropout: f64,
}

#[model(pub)]
impl DotProductAttention {
    /// Each query's mean of the values, weighted by the softmax of its products with the keys:
    /// `[B, H, T, K], [B, H, S, K], [B, H, S, V] -> [B, H, T, V]`.
    pub fn forward<B, H, T, S, K, V>(
        &self,
        q: Tensor<B, H, T, K>,
        k: Tensor<B, H, S, K>,
        v: Tensor<B, H, S, V>,
    ) -> Tensor<B, H, T, V> {
        let scores = matmul(q, k.t()) / K.sqrt();
        let scores = if self.causal {
            where_(iota([T, S], 0) >= iota([T, S], 1), scores, UNSEEN)
        } else {
            scores
        };
        let weights = scores.softmax(-1);
        let weights = if self.dropout > 0.0 {
            weights.dropout(self.dropout)
        } else {
            weights
        };
        matmul(weights, v)
    }
}

/// Attention in several heads: queries, keys and values are maps of the inputs, each head attends by a part of them, and
/// the heads' results side by side are mapped once more (Vaswani et al., "Attention is all you need", 2017).
///
/// | | |
/// |---|---|
/// | shapes | `[B, T, D] -> [B, T, D]`; `cross`: `[B, T, D], [B, S, D] -> [B, T, D]`; `step`: `[B, D] -> [B, D]` |
/// | `w_in: [D, 3 D]` | queries, keys and values side by side; starts as `xavier_uniform` |
/// | `b_in: [3 D]`, `b_out: [D]` | start with zeros |
/// | `w_out: [D, D]` | starts uniform on ±1 / sqrt(D), `fan_in_uniform(D)` |
/// | `causal: bool` | `false`; whether an element sees those up to it alone |
/// | `dropout: f64` | 0.0; of the weights behind the softmax, in a trainer's steps |
///
/// D is a multiple of `Heads`; a function that takes any D and `Heads` says so, `where(D == Heads * (D / Heads))`. It is
/// PyTorch's `MultiheadAttention(D, Heads, batch_first=True)` with its weights transposed. Without biases it is
/// [`MultiHeadAttentionNoBias`].
///
/// ```
/// use sinew::nn::MultiHeadAttention;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net {
///     attention: MultiHeadAttention<8, 2>,
///     #[default(true)]
///     causal: bool,
/// }
///
/// #[model]
/// fn attended<B, T>(m: &Net, x: Tensor<B, T, 8>) -> Tensor<B, T, 8> {
///     m.attention.forward(x)
/// }
///
/// let net = Net::init(&NetConfig { causal: true }, 42)?;
/// assert_eq!(attended(&net, [[[0.5; 8]; 3]; 2])?.dim(), (2, 3, 8));
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct MultiHeadAttention<D, Heads> {
    /// Maps to queries, keys and values, side by side.
    #[init(xavier_uniform)]
    #[pytorch("in_proj_weight", transposed)]
    pub w_in: Param<D, { 3 * D }>,
    /// Biases of these.
    #[init(zeros)]
    #[pytorch("in_proj_bias")]
    pub b_in: Param<{ 3 * D }>,
    /// Map of the heads' results.
    #[init(fan_in_uniform(D))]
    #[pytorch("out_proj.weight", transposed)]
    pub w_out: Param<D, D>,
    /// Biases of that.
    #[init(zeros)]
    #[pytorch("out_proj.bias")]
    pub b_out: Param<D>,
    /// How each head attends.
    pub attention: DotProductAttention,
    /// Whether an element sees those up to it alone.
    #[default(false)]
    pub causal: bool,
    /// The probability of leaving out a weight.
    #[default(0.0)]
    pub dropout: f64,
}

#[model(pub, where(D == Heads * (D / Heads)))]
impl<D, Heads> MultiHeadAttention<D, Heads> {
    /// Each element's attention to the elements of the same sequence: `[B, T, D] -> [B, T, D]`.
    pub fn forward<B, T>(&self, x: Tensor<B, T, D>) -> Tensor<B, T, D> {
        let mapped = matmul(x, self.w_in) + self.b_in;
        let q = mapped[(.., .., 0..D)].reshape([B, T, Heads, D / Heads]);
        let k = mapped[(.., .., D..2 * D)].reshape([B, T, Heads, D / Heads]);
        let v = mapped[(.., .., 2 * D..3 * D)].reshape([B, T, Heads, D / Heads]);
        let heads = self
            .attention
            .forward(q.swapaxes(1, 2), k.swapaxes(1, 2), v.swapaxes(1, 2));
        matmul(heads.swapaxes(1, 2).reshape([B, T, D]), self.w_out) + self.b_out
    }

    /// Each element's attention to the elements of another sequence: `[B, T, D], [B, S, D] -> [B, T, D]`.
    pub fn cross<B, T, S>(&self, x: Tensor<B, T, D>, memory: Tensor<B, S, D>) -> Tensor<B, T, D> {
        let q = matmul(x, self.w_in[(.., 0..D)]) + self.b_in[0..D];
        let mapped = matmul(memory, self.w_in[(.., D..3 * D)]) + self.b_in[D..3 * D];
        let q = q.reshape([B, T, Heads, D / Heads]);
        let k = mapped[(.., .., 0..D)].reshape([B, S, Heads, D / Heads]);
        let v = mapped[(.., .., D..2 * D)].reshape([B, S, Heads, D / Heads]);
        let heads = self
            .attention
            .forward(q.swapaxes(1, 2), k.swapaxes(1, 2), v.swapaxes(1, 2));
        matmul(heads.swapaxes(1, 2).reshape([B, T, D]), self.w_out) + self.b_out
    }

    /// The attention of one more element of a sequence to itself and those before it, whose keys and values the cache
    /// has: `[B, D] -> [B, D]`. The cache gets the element's own.
    pub fn step<B, T>(&self, x: Tensor<B, D>, cache: &KeyValueCache<B, T, D>) -> Tensor<B, D> {
        let mapped = matmul(x, self.w_in) + self.b_in;
        let (q, k, v) = (
            mapped[(.., 0..D)],
            mapped[(.., D..2 * D)],
            mapped[(.., 2 * D..3 * D)],
        );
        let heads = cache.attend::<Heads>(q, k, v);
        matmul(heads, self.w_out) + self.b_out
    }
}

/// [`MultiHeadAttention`] without biases, PyTorch's `MultiheadAttention(.., bias=False)`.
///
/// | | |
/// |---|---|
/// | shapes | `[B, T, D] -> [B, T, D]`; `cross`: `[B, T, D], [B, S, D] -> [B, T, D]`; `step`: `[B, D] -> [B, D]` |
/// | `w_in: [D, 3 D]` | queries, keys and values side by side; starts as `xavier_uniform` |
/// | `w_out: [D, D]` | starts uniform on ±1 / sqrt(D), `fan_in_uniform(D)` |
/// | `causal: bool` | `false`; whether an element sees those up to it alone |
/// | `dropout: f64` | 0.0; of the weights behind the softmax, in a trainer's steps |
///
/// ```
/// use sinew::nn::MultiHeadAttentionNoBias;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net {
///     attention: MultiHeadAttentionNoBias<8, 2>,
/// }
///
/// #[model]
/// fn attended<B, T, S>(m: &Net, x: Tensor<B, T, 8>, memory: Tensor<B, S, 8>) -> Tensor<B, T, 8> {
///     m.attention.cross(x, memory)
/// }
///
/// let y = attended(&Net::init(42), [[[0.5; 8]; 3]; 2], [[[1.0; 8]; 5]; 2])?;
/// assert_eq!(y.dim(), (2, 3, 8));
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct MultiHeadAttentionNoBias<D, Heads> {
    /// Maps to queries, keys and values, side by side.
    #[init(xavier_uniform)]
    #[pytorch("in_proj_weight", transposed)]
    pub w_in: Param<D, { 3 * D }>,
    /// Map of the heads' results.
    #[init(fan_in_uniform(D))]
    #[pytorch("out_proj.weight", transposed)]
    pub w_out: Param<D, D>,
    /// How each head attends.
    pub attention: DotProductAttention,
    /// Whether an element sees those up to it alone.
    #[default(false)]
    pub causal: bool,
    /// The probability of leaving out a weight.
    #[default(0.0)]
    pub dropout: f64,
}

#[model(pub, where(D == Heads * (D / Heads)))]
impl<D, Heads> MultiHeadAttentionNoBias<D, Heads> {
    /// Each element's attention to the elements of the same sequence: `[B, T, D] -> [B, T, D]`.
    pub fn forward<B, T>(&self, x: Tensor<B, T, D>) -> Tensor<B, T, D> {
        let mapped = matmul(x, self.w_in);
        let q = mapped[(.., .., 0..D)].reshape([B, T, Heads, D / Heads]);
        let k = mapped[(.., .., D..2 * D)].reshape([B, T, Heads, D / Heads]);
        let v = mapped[(.., .., 2 * D..3 * D)].reshape([B, T, Heads, D / Heads]);
        let heads = self
            .attention
            .forward(q.swapaxes(1, 2), k.swapaxes(1, 2), v.swapaxes(1, 2));
        matmul(heads.swapaxes(1, 2).reshape([B, T, D]), self.w_out)
    }

    /// Each element's attention to the elements of another sequence: `[B, T, D], [B, S, D] -> [B, T, D]`.
    pub fn cross<B, T, S>(&self, x: Tensor<B, T, D>, memory: Tensor<B, S, D>) -> Tensor<B, T, D> {
        let q = matmul(x, self.w_in[(.., 0..D)]);
        let mapped = matmul(memory, self.w_in[(.., D..3 * D)]);
        let q = q.reshape([B, T, Heads, D / Heads]);
        let k = mapped[(.., .., 0..D)].reshape([B, S, Heads, D / Heads]);
        let v = mapped[(.., .., D..2 * D)].reshape([B, S, Heads, D / Heads]);
        let heads = self
            .attention
            .forward(q.swapaxes(1, 2), k.swapaxes(1, 2), v.swapaxes(1, 2));
        matmul(heads.swapaxes(1, 2).reshape([B, T, D]), self.w_out)
    }

    /// The attention of one more element of a sequence to itself and those before it, whose keys and values the cache
    /// has: `[B, D] -> [B, D]`. The cache gets the element's own.
    pub fn step<B, T>(&self, x: Tensor<B, D>, cache: &KeyValueCache<B, T, D>) -> Tensor<B, D> {
        let mapped = matmul(x, self.w_in);
        let (q, k, v) = (
            mapped[(.., 0..D)],
            mapped[(.., D..2 * D)],
            mapped[(.., 2 * D..3 * D)],
        );
        let heads = cache.attend::<Heads>(q, k, v);
        matmul(heads, self.w_out)
    }
}

/// What attention keeps of the elements of a sequence that it has seen: their keys and values, and how many they are.
///
/// | | |
/// |---|---|
/// | `keys: [B, T, D]`, `values: [B, T, D]` | states, start with zeros |
/// | `length: []` | a state, starts with 0 |
///
/// T is how many elements there is room for; past it, each takes the place of the last. It is a model of its own beside
/// that with the parameters, so that a runner keeps it from run to run, on its device:
///
/// ```
/// use sinew::nn::{KeyValueCache, KeyValueCacheConfig, MultiHeadAttention};
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net {
///     attention: MultiHeadAttention<8, 2>,
/// }
///
/// #[model]
/// fn next<B, T>(m: &Net, cache: &KeyValueCache<B, T, 8>, x: Tensor<B, 8>) -> Tensor<B, 8> {
///     m.attention.step(x, cache)
/// }
///
/// let cache = KeyValueCache::init(&KeyValueCacheConfig { B: 1, T: 16, D: 8 }, 0)?;
/// let run = next::compile(Net::init(42), cache).build()?;
/// let mut x = ndarray::Array2::<f32>::ones((1, 8));
/// for _ in 0..4 {
///     x = run.run(&x)?;                               // the cache has one more element after each
/// }
/// # Ok::<(), sinew::Error>(())
/// ```
///
/// Layers in a loop have a cache each, `caches: [KeyValueCache<B, T, D>; Layers]` of a struct.
#[model(methods)]
pub struct KeyValueCache<B, T, D> {
    /// The keys, zeros behind the last.
    pub keys: State<B, T, D>,
    /// The values, zeros behind the last.
    pub values: State<B, T, D>,
    /// How many elements have been seen.
    pub length: State,
}

#[model(pub)]
impl<B, T, D> KeyValueCache<B, T, D> {
    /// The place of the next element: 0 for the first.
    pub fn place(&self) -> Tensor<i32> {
        self.length.cast(i32)
    }

    /// Keeps a key and a value, and gives the attention of the query to all that is kept, in `Heads` heads:
    /// `[B, D], [B, D], [B, D] -> [B, D]`.
    #[model(where(D == Heads * (D / Heads)))]
    pub fn attend<Heads>(&self, q: Tensor<B, D>, k: Tensor<B, D>, v: Tensor<B, D>) -> Tensor<B, D> {
        let place = self.length.cast(i32);
        self.keys = self.keys.set((.., place, ..), k);
        self.values = self.values.set((.., place, ..), v);
        self.length = self.length + 1;
        let q = q.reshape([B, Heads, 1, D / Heads]);
        let k = self.keys.reshape([B, T, Heads, D / Heads]).swapaxes(1, 2);
        let v = self.values.reshape([B, T, Heads, D / Heads]).swapaxes(1, 2);
        let scores = matmul(q, k.t()) / (D / Heads).sqrt();
        let weights = where_(arange(T) <= place, scores, UNSEEN).softmax(-1);
        matmul(weights, v).reshape([B, D])
    }
}
