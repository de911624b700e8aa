//! Long short-term memory: a cell, layers of it, and both directions.

use crate::{
    Param, Tensor, model,
    ops::{concat, matmul, stack, zeros},
};

/// One step of long short-term memory (Hochreiter and Schmidhuber, 1997; Gers et al., 2000).
///
/// ```text
/// i, f, g, o = x w_ih + b_ih + h w_hh + b_hh, in four parts
/// c' = sigmoid(f) c + sigmoid(i) tanh(g)
/// h' = sigmoid(o) tanh(c')
/// ```
///
/// | | |
/// |---|---|
/// | shapes | `x: [B, I]`, `h: [B, H]`, `c: [B, H] -> [B, H], [B, H]` |
/// | `w_ih: [I, 4 H]`, `w_hh: [H, 4 H]`, `b_ih: [4 H]`, `b_hh: [4 H]` | start uniform on ±1 / sqrt(H), `fan_in_uniform(H)`, as those of PyTorch do |
/// | settings | none |
///
/// The gates stand in PyTorch's order, and the weights are the transpose of PyTorch's. Layers of cells over a sequence are
/// [`Lstm`].
///
/// ```
/// use sinew::nn::{LstmCell, LstmCellConfig};
/// use sinew::prelude::*;
///
/// let cell = LstmCell::init(&LstmCellConfig { I: 3, H: 4 }, 42)?;
/// let (h, c) = cell.step([[0.1, 0.2, 0.3]], [[0.0; 4]], [[0.0; 4]])?;
/// assert_eq!((h.dim(), c.dim()), ((1, 4), (1, 4)));
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct LstmCell<I, H> {
    /// From the input to the gates.
    #[init(fan_in_uniform(H))]
    #[pytorch("weight_ih", transposed)]
    pub w_ih: Param<I, { 4 * H }>,
    /// From the hidden state to the gates.
    #[init(fan_in_uniform(H))]
    #[pytorch("weight_hh", transposed)]
    pub w_hh: Param<H, { 4 * H }>,
    /// Biases beside `w_ih`.
    #[init(fan_in_uniform(H))]
    #[pytorch("bias_ih")]
    pub b_ih: Param<{ 4 * H }>,
    /// Biases beside `w_hh`.
    #[init(fan_in_uniform(H))]
    #[pytorch("bias_hh")]
    pub b_hh: Param<{ 4 * H }>,
}

#[model(pub)]
impl<I, H> LstmCell<I, H> {
    /// The next hidden state and cell: `[B, I], [B, H], [B, H] -> [B, H], [B, H]`.
    pub fn step<B>(
        &self,
        x: Tensor<B, I>,
        h: Tensor<B, H>,
        c: Tensor<B, H>,
    ) -> (Tensor<B, H>, Tensor<B, H>) {
        self.mapped_step(matmul(x, self.w_ih) + self.b_ih, h, c)
    }

    /// The next hidden state and cell, where the input is mapped to the gates already.
    pub fn mapped_step<B>(
        &self,
        mapped: Tensor<B, { 4 * H }>,
        h: Tensor<B, H>,
        c: Tensor<B, H>,
    ) -> (Tensor<B, H>, Tensor<B, H>) {
        let gates = mapped + matmul(h, self.w_hh) + self.b_hh;
        let i = gates[(.., 0..H)].sigmoid();
        let f = gates[(.., H..2 * H)].sigmoid();
        let g = gates[(.., 2 * H..3 * H)].tanh();
        let o = gates[(.., 3 * H..4 * H)].sigmoid();
        let c = f * c + i * g;
        (o * c.tanh(), c)
    }

    /// The hidden state of each time, and the last hidden state and cell:
    /// `[B, T, I], [B, H], [B, H] -> [B, T, H], [B, H], [B, H]`.
    pub fn over<B, T>(
        &self,
        x: Tensor<B, T, I>,
        h: Tensor<B, H>,
        c: Tensor<B, H>,
    ) -> (Tensor<B, T, H>, Tensor<B, H>, Tensor<B, H>) {
        let mapped = matmul(x, self.w_ih) + self.b_ih;
        let (mut h, mut c) = (h, c);
        let mut ys = Vec::new();
        for t in 0..T {
            (h, c) = self.mapped_step(mapped[(.., t, ..)], h, c);
            ys.push(h);
        }
        (stack(ys, axis = 1), h, c)
    }

    /// [`over`](Self::over) from the last time to the first; what it gives stands at the times of the input.
    pub fn over_reversed<B, T>(
        &self,
        x: Tensor<B, T, I>,
        h: Tensor<B, H>,
        c: Tensor<B, H>,
    ) -> (Tensor<B, T, H>, Tensor<B, H>, Tensor<B, H>) {
        let (y, h, c) = self.over(x.flip(1), h, c);
        (y.flip(1), h, c)
    }
}

/// Layers of [`LstmCell`] over sequences, batch first.
///
/// | | |
/// |---|---|
/// | shapes | `[B, T, I] -> [B, T, H]` and the last `[Layers, B, H]` of the hidden states and of the cells |
/// | `first: LstmCell<I, H>`, `rest: [LstmCell<H, H>; Layers - 1]` | uniform on ±1 / sqrt(H) |
/// | `dropout: f64` | 0.0; of what goes from layer to layer, in a trainer's steps |
///
/// It is PyTorch's `LSTM(I, H, Layers, batch_first=True)`; its `weight_ih_l1` is `rest.0.w_ih`, transposed.
/// `bidirectional=True` is [`BiLstm`].
///
/// ```
/// use sinew::nn::Lstm;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net {
///     lstm: Lstm<3, 16, 2>,
///     out: Linear<16, 1>,
/// }
///
/// #[model]
/// fn last<B, T>(m: &Net, x: Tensor<B, T, 3>) -> Tensor<B, 1> {
///     let (y, _, _) = m.lstm.forward(x);
///     m.out.forward(y[(.., -1, ..)])
/// }
///
/// assert_eq!(last(&Net::init(42), [[[0.1, 0.2, 0.3]; 5]; 2])?.dim(), (2, 1));
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct Lstm<I, H, Layers> {
    /// The layer that sees the input.
    #[pytorch("{}_l0")]
    pub first: LstmCell<I, H>,
    /// The layers above it.
    #[pytorch("{}_l{1..}")]
    pub rest: [LstmCell<H, H>; { Layers - 1 }],
    /// The probability of leaving out an element between layers.
    #[default(0.0)]
    pub dropout: f64,
}

#[model(pub)]
impl<I, H, Layers> Lstm<I, H, Layers> {
    /// The last layer's hidden state of each time, and the last hidden states and cells of all layers, from zeros:
    /// `[B, T, I] -> [B, T, H], [Layers, B, H], [Layers, B, H]`.
    pub fn forward<B, T>(
        &self,
        x: Tensor<B, T, I>,
    ) -> (Tensor<B, T, H>, Tensor<Layers, B, H>, Tensor<Layers, B, H>) {
        self.forward_from(x, zeros([Layers, B, H]), zeros([Layers, B, H]))
    }

    /// The same from given hidden states and cells: `[B, T, I], [Layers, B, H], [Layers, B, H] -> ..`.
    pub fn forward_from<B, T>(
        &self,
        x: Tensor<B, T, I>,
        h: Tensor<Layers, B, H>,
        c: Tensor<Layers, B, H>,
    ) -> (Tensor<B, T, H>, Tensor<Layers, B, H>, Tensor<Layers, B, H>) {
        let mut hs = Vec::new();
        let mut cs = Vec::new();
        let (y, h_first, c_first) = self.first.over(x, h[0], c[0]);
        let mut y = y;
        hs.push(h_first);
        cs.push(c_first);
        for l in 1..Layers {
            let below = if self.dropout > 0.0 {
                y.dropout(self.dropout)
            } else {
                y
            };
            let (above, h_last, c_last) = self.rest[l - 1].over(below, h[l], c[l]);
            y = above;
            hs.push(h_last);
            cs.push(c_last);
        }
        (y, stack(hs), stack(cs))
    }
}

/// Layers of [`LstmCell`] over sequences in both directions, batch first.
///
/// | | |
/// |---|---|
/// | shapes | `[B, T, I] -> [B, T, 2 H]` and the last `[2 Layers, B, H]` of the hidden states and of the cells |
/// | `first`, `first_reversed: LstmCell<I, H>` | uniform on ±1 / sqrt(H) |
/// | `rest`, `rest_reversed: [LstmCell<2 H, H>; Layers - 1]` | uniform on ±1 / sqrt(H) |
/// | `dropout: f64` | 0.0; of what goes from layer to layer, in a trainer's steps |
///
/// Each layer sees what both directions of the one below gave, side by side. The states of a layer are side by side too,
/// that of the reversed direction behind the other. It is PyTorch's
/// `LSTM(I, H, Layers, batch_first=True, bidirectional=True)`.
///
/// ```
/// use sinew::nn::BiLstm;
/// use sinew::prelude::*;
///
/// #[model]
/// struct Net {
///     lstm: BiLstm<3, 16, 2>,
/// }
///
/// #[model]
/// fn both<B, T>(m: &Net, x: Tensor<B, T, 3>) -> (Tensor<B, T, 32>, Tensor<4, B, 16>) {
///     let (y, h, _) = m.lstm.forward(x);
///     (y, h)
/// }
///
/// let (y, h) = both(&Net::init(42), [[[0.1, 0.2, 0.3]; 5]; 2])?;
/// assert_eq!((y.dim(), h.dim()), ((2, 5, 32), (4, 2, 16)));
/// # Ok::<(), sinew::Error>(())
/// ```
#[model(methods)]
pub struct BiLstm<I, H, Layers> {
    /// The layer that sees the input.
    #[pytorch("{}_l0")]
    pub first: LstmCell<I, H>,
    /// The same from the last time to the first.
    #[pytorch("{}_l0_reverse")]
    pub first_reversed: LstmCell<I, H>,
    /// The layers above it.
    #[pytorch("{}_l{1..}")]
    pub rest: [LstmCell<{ 2 * H }, H>; { Layers - 1 }],
    /// The same from the last time to the first.
    #[pytorch("{}_l{1..}_reverse")]
    pub rest_reversed: [LstmCell<{ 2 * H }, H>; { Layers - 1 }],
    /// The probability of leaving out an element between layers.
    #[default(0.0)]
    pub dropout: f64,
}

#[model(pub)]
impl<I, H, Layers> BiLstm<I, H, Layers> {
    /// The last layer's hidden states of each time, and the last hidden states and cells of all layers, from zeros:
    /// `[B, T, I] -> [B, T, 2 H], [2 Layers, B, H], [2 Layers, B, H]`.
    pub fn forward<B, T>(
        &self,
        x: Tensor<B, T, I>,
    ) -> (
        Tensor<B, T, { 2 * H }>,
        Tensor<{ 2 * Layers }, B, H>,
        Tensor<{ 2 * Layers }, B, H>,
    ) {
        self.forward_from(x, zeros([2 * Layers, B, H]), zeros([2 * Layers, B, H]))
    }

    /// The same from given hidden states and cells: `[B, T, I], [2 Layers, B, H], [2 Layers, B, H] -> ..`.
    pub fn forward_from<B, T>(
        &self,
        x: Tensor<B, T, I>,
        h: Tensor<{ 2 * Layers }, B, H>,
        c: Tensor<{ 2 * Layers }, B, H>,
    ) -> (
        Tensor<B, T, { 2 * H }>,
        Tensor<{ 2 * Layers }, B, H>,
        Tensor<{ 2 * Layers }, B, H>,
    ) {
        let (h, c) = (h.reshape([Layers, 2, B, H]), c.reshape([Layers, 2, B, H]));
        let mut hs = Vec::new();
        let mut cs = Vec::new();
        let (there, h_there, c_there) = self.first.over(x, h[(0, 0)], c[(0, 0)]);
        let (back, h_back, c_back) = self.first_reversed.over_reversed(x, h[(0, 1)], c[(0, 1)]);
        let mut y = concat([there, back], axis = -1);
        hs.push(stack([h_there, h_back]));
        cs.push(stack([c_there, c_back]));
        for l in 1..Layers {
            let below = if self.dropout > 0.0 {
                y.dropout(self.dropout)
            } else {
                y
            };
            let (there, h_there, c_there) = self.rest[l - 1].over(below, h[(l, 0)], c[(l, 0)]);
            let reversed = self.rest_reversed[l - 1].over_reversed(below, h[(l, 1)], c[(l, 1)]);
            let (back, h_back, c_back) = reversed;
            y = concat([there, back], axis = -1);
            hs.push(stack([h_there, h_back]));
            cs.push(stack([c_there, c_back]));
        }
        let (hs, cs) = (stack(hs), stack(cs));
        (
            y,
            hs.reshape([2 * Layers, B, H]),
            cs.reshape([2 * Layers, B, H]),
        )
    }
}
