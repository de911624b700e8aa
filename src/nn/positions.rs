//! Places in a sequence, told to what has no order of its own.

use crate::{
    Param, Tensor, model,
    ops::{arange, stack},
};

/// Rotary positions: pairs of features turned by an angle that grows with the place, so that the product of two turned
/// vectors depends on how far apart they stand (Su et al., "RoFormer", 2021).
///
/// ```text
/// y[2 k]     = x[2 k] cos(t w) - x[2 k + 1] sin(t w)
/// y[2 k + 1] = x[2 k] sin(t w) + x[2 k + 1] cos(t w),   w = 10000^(-k / K)
/// ```
///
/// | | |
/// |---|---|
/// | shapes | `[.., T, 2 K] -> [.., T, 2 K]` |
///
/// t counts from 0. Features side by side are a pair, as in the paper; some programs pair the first half with the
/// second. Queries and keys are turned, heads apart, in front of
/// [`DotProductAttention`](crate::nn::DotProductAttention).
///
/// ```
/// use sinew::nn::rotary;
/// use sinew::prelude::*;
///
/// #[model]
/// fn turned<T>(x: Tensor<T, 4>) -> Tensor<T, 4> {
///     rotary(x)
/// }
///
/// let y = turned([[1.0, 0.0, 1.0, 0.0]; 2])?;
/// let expected = [1f32.cos(), 1f32.sin(), 0.01f32.cos(), 0.01f32.sin()];
/// assert_eq!(y.row(0).to_vec(), [1.0, 0.0, 1.0, 0.0]);
/// assert!(y.row(1).iter().zip(expected).all(|(y, e)| (y - e).abs() < 1e-6));
/// # Ok::<(), sinew::Error>(())
/// ```
#[model]
pub fn rotary<S, T, K>(x: Tensor<[S], T, { 2 * K }>) -> Tensor<[S], T, { 2 * K }> {
    let angles = angles::<T, K>();
    let (cos, sin) = (angles.cos(), angles.sin());
    let even = x[(.., (..).step_by(2))];
    let odd = x[(.., (1..).step_by(2))];
    let turned = stack([even * cos - odd * sin, even * sin + odd * cos], axis = -1);
    turned.rearrange("... k two -> ... (k two)")
}

/// Sinusoidal positions, added: `y = x + p` with `p[t, 2 k] = sin(t w)` and `p[t, 2 k + 1] = cos(t w)`,
/// `w = 10000^(-k / K)` (Vaswani et al., "Attention is all you need", 2017).
///
/// | | |
/// |---|---|
/// | shapes | `[.., T, 2 K] -> [.., T, 2 K]` |
///
/// t counts from 0. Positions that are learned are a parameter, [`LearnedPositions`](crate::nn::LearnedPositions).
///
/// ```
/// use sinew::nn::sinusoidal;
/// use sinew::prelude::*;
///
/// #[model]
/// fn placed<T>(x: Tensor<T, 2>) -> Tensor<T, 2> {
///     sinusoidal(x)
/// }
///
/// let y = placed([[0.0, 0.0], [1.0, 1.0]])?;
/// assert_eq!(y.row(0).to_vec(), [0.0, 1.0]);
/// assert!((y[(1, 0)] - (1.0 + 1f32.sin())).abs() < 1e-6);
/// # Ok::<(), sinew::Error>(())
/// ```
#[model]
pub fn sinusoidal<S, T, K>(x: Tensor<[S], T, { 2 * K }>) -> Tensor<[S], T, { 2 * K }> {
    let angles = angles::<T, K>();
    x + stack([angles.sin(), angles.cos()], axis = -1).reshape([T, 2 * K])
}

/// The angle of each place and pair of features: `t 10000^(-k / K)`.
#[model]
fn angles<T, K>() -> Tensor<T, K> {
    let frequencies = (arange(K).cast(float) * FALL / K).exp();
    arange(T).cast(float).unsqueeze(-1) * frequencies
}

/// -log(10000).
const FALL: f64 = -9.210_340_371_976_184;

/// Positions that are learned, added: `y = x + w[t]` for each element, from the first on.
///
/// | | |
/// |---|---|
/// | shapes | `[.., T, D] -> [.., T, D]`, T up to `Longest` |
/// | `w: [Longest, D]` | starts normal with deviation 0.02, `normal(0.02)`, as GPT-2 does |
/// | settings | none |
///
/// In PyTorch its rows are the weight of an `Embedding(Longest, D)` that is given the places.
///
/// ```
/// use sinew::nn::LearnedPositions;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net {
///     positions: LearnedPositions<16, 2>,
/// }
///
/// #[model]
/// fn placed<B>(m: &Net, x: Tensor<B, 3, 2>) -> Tensor<B, 3, 2> {
///     m.positions.forward(x)
/// }
///
/// let mut net = Net::init(42);
/// net.positions.w.fill(0.5);
/// assert_eq!(placed(&net, [[[1.0; 2]; 3]])?[(0, 2, 1)], 1.5);
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct LearnedPositions<Longest, D> {
    /// A row for each place.
    #[init(normal(0.02))]
    #[pytorch("weight")]
    pub w: Param<Longest, D>,
}

#[model(pub)]
impl<Longest, D> LearnedPositions<Longest, D> {
    /// x with the rows of its places added: `[.., T, D] -> [.., T, D]`.
    #[model(where(T <= Longest))]
    pub fn forward<S, T>(&self, x: Tensor<[S], T, D>) -> Tensor<[S], T, D> {
        x + self.w[0..T]
    }
}
