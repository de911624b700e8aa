//! Loops: `for`, variables that change, lists, repeated children.
//!
//! A loop stays a loop, forward and backward: its code and the time to compile it do not grow with its length, which
//! may be a symbol.
//!
//! # What it runs over
//!
//! | form | an iteration gets |
//! |---|---|
//! | `for t in 0..T`, `1..T`, `0..=T`, `0..12`, `0..STEPS` | the index |
//! | `for x in xs`, `&xs`, `xs.iter()` | the slices of a tensor along its first axis |
//! | `for block in &m.blocks` | the repeated children of a struct |
//! | `.rev()` | the same, the last one first |
//! | `.enumerate()` | the index and the item: `for (t, x) in xs.iter().enumerate()` |
//! | `.zip(ys)` | the items of two of one length |
//!
//! The index is a place (`x[t]`, `x[N - 1 - t]`, `x[(.., t - 1)]`) and a number: i32 beside integers, sizes and consts,
//! a float beside fractions and settings (`t * 0.5`).
//!
//! # Variables that change
//!
//! What is declared with `let mut` outside of a loop and assigned in it is handed from one iteration to the next, and
//! has one type throughout: start with all of its shape (`let mut h = zeros([B, D]);`). `=`, `+=` and their kin
//! assign; `(a, b) = (b, a);` assigns both. What is not `mut` is shadowed by a `let`, for the rest of its block only.
//!
//! # Lists
//!
//! `let mut ys = Vec::new();` makes a list, `ys.push(y)` lengthens it, and [`stack`](fn@crate::ops::stack) or
//! [`concat`](fn@crate::ops::concat) behind the loop makes a tensor of it, in the order of the pushes. All its
//! elements have one type. It is not read in the loop that fills it. An `if` or a `match` may choose what is pushed, not
//! how much: each arm pushes as many elements, so the length is that of the loops around.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn smoothed<T, B>(xs: Tensor<T, B>) -> (Tensor<B>, Tensor<T, B>) {
//!     let mut h = zeros([B]);
//!     let mut hs = Vec::new();
//!     for x in xs {
//!         h = 0.5 * h + 0.5 * x;
//!         hs.push(h);
//!     }
//!     (h, stack(hs))
//! }
//!
//! let (last, all) = smoothed([[2.0], [4.0], [8.0]])?;
//! assert_eq!(last, array![5.25]);
//! assert_eq!(all, array![[1.0], [2.5], [5.25]]);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Memory
//!
//! The backward loop uses values of all iterations, so the forward one keeps them: a loop takes memory in proportion
//! to its length. `checkpoint` around what an iteration computes keeps what goes in
//! alone; a trainer's [`memory_budget`](crate::TrainBuilder::memory_budget) has that done where it is needed, and
//! more: of a loop in parts only the variables at the start of each part are kept, and its iterations are computed
//! again when the backward loop comes to them.
//!
//! # How often
//!
//! Once, or not at all, are lengths like others: behind no iterations variables are as before, and a list is empty.
//!
//! ```
//! # use sinew::prelude::*;
//! #[model]
//! fn differences<T>(x: Tensor<T>) -> (Tensor, Tensor) {
//!     let (mut rises, mut last) = (0.0, x[0]);
//!     for t in 1..T {
//!         rises += (x[t] - x[t - 1]).relu();
//!         last = x[t];
//!     }
//!     (rises, last)
//! }
//!
//! assert_eq!(differences([1.0, 3.0, 2.0, 4.0])?, (4.0, 4.0));
//! assert_eq!(differences([5.0])?, (0.0, 5.0));    // no iteration
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! A range that may end before it starts is an error when its sizes arrive.
//!
//! # Repeated children
//!
//! `blocks: [Block<D>; Layers]` is a field of as many children as the dim says. Each has parameters of its own,
//! named `blocks.0.w`, `blocks.1.w`, ..; in Rust the field is a `Vec`. A loop reads them.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! struct Gain {
//!     #[init(constant(2.0))]
//!     by: Param,
//! }
//!
//! #[model]
//! struct Chain<Layers> {
//!     gains: [Gain; Layers],
//! }
//!
//! #[model]
//! fn amplified<N, Layers>(m: &Chain<Layers>, x: Tensor<N>) -> Tensor<N> {
//!     let mut x = x;
//!     for (i, gain) in m.gains.iter().enumerate() {
//!         x = x * gain.by + i;
//!     }
//!     x
//! }
//!
//! let m = Chain::init(&ChainConfig { Layers: 3 }, 0)?;
//! assert_eq!(m.gains.len(), 3);
//! assert_eq!(amplified(&m, [1.0])?, array![12.0]);   // ((1 * 2 + 0) * 2 + 1) * 2 + 2
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! There may be no children at all: with `Layers: 0` the loop leaves its variables as they were, and the model is
//! saved, trained and run without these parameters.
//!
//! One child is taken by its number: `m.gains[0]`, `m.gains[-1]` for the last one, `m.gains[SECOND]`, and in a loop
//! over numbers `m.gains[i - 1]`. It is a struct like others; the gradients of all others are as if it were not there. A
//! number past the end is an error, told where the number of children is known: by the compiler if that is a literal or a
//! const, else with the first arguments.
//!
//! ```
//! # use sinew::prelude::*;
//! # use sinew::ndarray::array;
//! # #[model]
//! # struct Gain {
//! #     #[init(ones)]
//! #     by: Param,
//! # }
//! #[model]
//! struct Chain<Layers> {
//!     gains: [Gain; Layers],
//! }
//!
//! #[model]
//! fn around<B, Layers>(m: &Chain<Layers>, x: Tensor<B>) -> Tensor<B> {
//!     let mut y = m.gains[0].by * x;
//!     for i in 1..Layers {
//!         y += m.gains[i].by * m.gains[i - 1].by;
//!     }
//!     y * m.gains[-1].by
//! }
//!
//! let mut m = Chain::init(&ChainConfig { Layers: 3 }, 0)?;
//! for (gain, by) in m.gains.iter_mut().zip([2.0, 3.0, 5.0]) {
//!     gain.by.fill(by);
//! }
//! assert_eq!(around(&m, [1.0])?, array![(2.0 + 2.0 * 3.0 + 3.0 * 5.0) * 5.0]);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Nesting
//!
//! Loops stand in loops, in closures of derivatives, and around either. There is no `while` and no `break`: a
//! program's length is known before it runs.
