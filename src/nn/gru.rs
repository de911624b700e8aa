//! Gated recurrent units: a cell, layers of it, and both directions.

use crate::{
    Param, Tensor, model,
    ops::{concat, matmul, stack, zeros},
};

/// One step of a gated recurrent unit (Cho et al., 2014), in PyTorch's form, whose reset gate stands behind the product.
///
/// ```text
/// r, z, n = x w_ih + b_ih, in three parts
/// s, u, m = h w_hh + b_hh, in three parts
/// r = sigmoid(r + s),  z = sigmoid(z + u),  n = tanh(n + r m)
/// h' = (1 - z) n + z h
/// ```
///
/// | | |
/// |---|---|
/// | shapes | `x: [B, I]`, `h: [B, H] -> [B, H]` |
/// | `w_ih: [I, 3 H]`, `w_hh: [H, 3 H]`, `b_ih: [3 H]`, `b_hh: [3 H]` | start uniform on ±1 / sqrt(H), `fan_in_uniform(H)`, as those of PyTorch do |
/// | settings | none |
///
/// The gates stand in PyTorch's order, and the weights are the transpose of PyTorch's. Layers of cells over a sequence are
/// [`Gru`].
///
/// ```
/// use sinew::nn::{GruCell, GruCellConfig};
/// use sinew::prelude::*;
///
/// let cell = GruCell::init(&GruCellConfig { I: 3, H: 4 }, 42)?;
/// assert_eq!(cell.step([[0.1, 0.2, 0.3]], [[0.0; 4]])?.dim(), (1, 4));
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct GruCell<I, H> {
    /// From the input to the gates.
    #[init(fan_in_uniform(H))]
    #[pytorch("weight_ih", transposed)]
    pub w_ih: Param<I, { 3 * H }>,
    /// From the hidden state to the gates.
    #[init(fan_in_uniform(H))]
    #[pytorch("weight_hh", transposed)]
    pub w_hh: Param<H, { 3 * H }>,
    /// Biases beside `w_ih`.
    #[init(fan_in_uniform(H))]
    #[pytorch("bias_ih")]
    pub b_ih: Param<{ 3 * H }>,
    /// Biases beside `w_hh`.
    #[init(fan_in_uniform(H))]
    #[pytorch("bias_hh")]
    pub b_hh: Param<{ 3 * H }>,
}

#[model(pub)]
impl<I, H> GruCell<I, H> {
    /// The next hidden state: `[B, I], [B, H] -> [B, H]`.
    pub fn step<B>(&self, x: Tensor<B, I>, h: Tensor<B, H>) -> Tensor<B, H> {
        self.mapped_step(matmul(x, self.w_ih) + self.b_ih, h)
    }

    /// The next hidden state, where the input is mapped to the gates already.
    pub fn mapped_step<B>(&self, mapped: Tensor<B, { 3 * H }>, h: Tensor<B, H>) -> Tensor<B, H> {
        let before = matmul(h, self.w_hh) + self.b_hh;
        let r = (mapped[(.., 0..H)] + before[(.., 0..H)]).sigmoid();
        let z = (mapped[(.., H..2 * H)] + before[(.., H..2 * H)]).sigmoid();
        let n = (mapped[(.., 2 * H..3 * H)] + r * before[(.., 2 * H..3 * H)]).tanh();
        (1 - z) * n + z * h
    }

    /// The hidden state of each time, and the last one: `[B, T, I], [B, H] -> [B, T, H], [B, H]`.
    pub fn over<B, T>(
        &self,
        x: Tensor<B, T, I>,
        h: Tensor<B, H>,
    ) -> (Tensor<B, T, H>, Tensor<B, H>) {
        let mapped = matmul(x, self.w_ih) + self.b_ih;
        let mut h = h;
        let mut ys = Vec::new();
        for t in 0..T {
            h = self.mapped_step(mapped[(.., t, ..)], h);
            ys.push(h);
        }
        (stack(ys, axis = 1), h)
    }

    /// [`over`](Self::over) from the last time to the first; what it gives stands at the times of the input.
    pub fn over_reversed<B, T>(
        &self,
        x: Tensor<B, T, I>,
        h: Tensor<B, H>,
    ) -> (Tensor<B, T, H>, Tensor<B, H>) {
        let (y, h) = self.over(x.flip(1), h);
        (y.flip(1), h)
    }
}

/// Layers of [`GruCell`] over sequences, batch first.
///
/// | | |
/// |---|---|
/// | shapes | `[B, T, I] -> [B, T, H]` and the last hidden states `[Layers, B, H]` |
/// | `first: GruCell<I, H>`, `rest: [GruCell<H, H>; Layers - 1]` | uniform on ±1 / sqrt(H) |
/// | `dropout: f64` | 0.0; of what goes from layer to layer, in a trainer's steps |
///
/// It is PyTorch's `GRU(I, H, Layers, batch_first=True)`; its `weight_ih_l1` is `rest.0.w_ih`, transposed.
/// `bidirectional=True` is [`BiGru`].
///
/// ```
/// use sinew::nn::Gru;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net {
///     gru: Gru<3, 16, 2>,
///     out: Linear<16, 1>,
/// }
///
/// #[model]
/// fn last<B, T>(m: &Net, x: Tensor<B, T, 3>) -> Tensor<B, 1> {
///     let (y, _) = m.gru.forward(x);
///     m.out.forward(y[(.., -1, ..)])
/// }
///
/// assert_eq!(last(&Net::init(42), [[[0.1, 0.2, 0.3]; 5]; 2])?.dim(), (2, 1));
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct Gru<I, H, Layers> {
    /// The layer that sees the input.
    #[pytorch("{}_l0")]
    pub first: GruCell<I, H>,
    /// The layers above it.
    #[pytorch("{}_l{1..}")]
    pub rest: [GruCell<H, H>; { Layers - 1 }],
    /// The probability of leaving out an element between layers.
    #[default(0.0)]
    pub dropout: f64,
}

#[model(pub)]
impl<I, H, Layers> Gru<I, H, Layers> {
    /// The last layer's hidden state of each time, and the last hidden states of all layers, from zeros:
    /// `[B, T, I] -> [B, T, H], [Layers, B, H]`.
    pub fn forward<B, T>(&self, x: Tensor<B, T, I>) -> (Tensor<B, T, H>, Tensor<Layers, B, H>) {
        self.forward_from(x, zeros([Layers, B, H]))
    }

    /// The same from given hidden states: `[B, T, I], [Layers, B, H] -> ..`.
    pub fn forward_from<B, T>(
        &self,
        x: Tensor<B, T, I>,
        h: Tensor<Layers, B, H>,
    ) -> (Tensor<B, T, H>, Tensor<Layers, B, H>) {
        let mut hs = Vec::new();
        let (y, h_first) = self.first.over(x, h[0]);
        let mut y = y;
        hs.push(h_first);
        for l in 1..Layers {
            let below = if self.dropout > 0.0 {
                y.dropout(self.dropout)
            } else {
                y
            };
            let (above, h_last) = self.rest[l - 1].over(below, h[l]);
            y = above;
            hs.push(h_last);
        }
        (y, stack(hs))
    }
}

/// Layers of [`GruCell`] over sequences in both directions, batch first.
///
/// | | |
/// |---|---|
/// | shapes | `[B, T, I] -> [B, T, 2 H]` and the last hidden states `[2 Layers, B, H]` |
/// | `first`, `first_reversed: GruCell<I, H>` | uniform on ±1 / sqrt(H) |
/// | `rest`, `rest_reversed: [GruCell<2 H, H>; Layers - 1]` | uniform on ±1 / sqrt(H) |
/// | `dropout: f64` | 0.0; of what goes from layer to layer, in a trainer's steps |
///
/// Each layer sees what both directions of the one below gave, side by side. The states of a layer are side by side too,
/// that of the reversed direction behind the other. It is PyTorch's
/// `GRU(I, H, Layers, batch_first=True, bidirectional=True)`.
///
/// ```
/// use sinew::nn::BiGru;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net {
///     gru: BiGru<3, 16, 1>,
/// }
///
/// #[model]
/// fn both<B, T>(m: &Net, x: Tensor<B, T, 3>) -> (Tensor<B, T, 32>, Tensor<2, B, 16>) {
///     m.gru.forward(x)
/// }
///
/// let (y, h) = both(&Net::init(42), [[[0.1, 0.2, 0.3]; 5]; 2])?;
/// assert_eq!((y.dim(), h.dim()), ((2, 5, 32), (2, 2, 16)));
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct BiGru<I, H, Layers> {
    /// The layer that sees the input.
    #[pytorch("{}_l0")]
    pub first: GruCell<I, H>,
    /// The same from the last time to the first.
    #[pytorch("{}_l0_reverse")]
    pub first_reversed: GruCell<I, H>,
    /// The layers above it.
    #[pytorch("{}_l{1..}")]
    pub rest: [GruCell<{ 2 * H }, H>; { Layers - 1 }],
    /// The same from the last time to the first.
    #[pytorch("{}_l{1..}_reverse")]
    pub rest_reversed: [GruCell<{ 2 * H }, H>; { Layers - 1 }],
    /// The probability of leaving out an element between layers.
    #[default(0.0)]
    pub dropout: f64,
}

#[model(pub)]
impl<I, H, Layers> BiGru<I, H, Layers> {
    /// The last layer's hidden states of each time, and the last hidden states of all layers, from zeros:
    /// `[B, T, I] -> [B, T, 2 H], [2 Layers, B, H]`.
    pub fn forward<B, T>(
        &self,
        x: Tensor<B, T, I>,
    ) -> (Tensor<B, T, { 2 * H }>, Tensor<{ 2 * Layers }, B, H>) {
        self.forward_from(x, zeros([2 * Layers, B, H]))
    }

    /// The same from given hidden states: `[B, T, I], [2 Layers, B, H] -> ..`.
    pub fn forward_from<B, T>(
        &self,
        x: Tensor<B, T, I>,
        h: Tensor<{ 2 * Layers }, B, H>,
    ) -> (Tensor<B, T, { 2 * H }>, Tensor<{ 2 * Layers }, B, H>) {
        let h = h.reshape([Layers, 2, B, H]);
        let mut hs = Vec::new();
        let (there, h_there) = self.first.over(x, h[(0, 0)]);
        let (back, h_back) = self.first_reversed.over_reversed(x, h[(0, 1)]);
        let mut y = concat([there, back], axis = -1);
        hs.push(stack([h_there, h_back]));
        for l in 1..Layers {
            let below = if self.dropout > 0.0 {
                y.dropout(self.dropout)
            } else {
                y
            };
            let (there, h_there) = self.rest[l - 1].over(below, h[(l, 0)]);
            let (back, h_back) = self.rest_reversed[l - 1].over_reversed(below, h[(l, 1)]);
            y = concat([there, back], axis = -1);
            hs.push(stack([h_there, h_back]));
        }
        (y, stack(hs).reshape([2 * Layers, B, H]))
    }
}
