//! Numbers: literals, element types, broadcasting, and the values at the edges.
//!
//! # Literals and consts
//!
//! A literal takes the element type of what it meets: `x + 1` is of x's type, for floats and integers. `0.5` beside
//! integers is refused, and so is `300` where no u32 or i32 holds it. Alone it is of the working float. It has no
//! suffix (`1f32`); where a type is wanted there is `full([], 1, i32)` or a cast. Arithmetic of literals is done
//! in f64; two integers divide without a rest, or not at all. Rust consts of number type are numbers like literals, and
//! two integer consts divide as in Rust.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! const HALF: f64 = 0.5;
//! const STEPS: usize = 7;
//!
//! #[model]
//! fn scaled<N>(x: Tensor<N>, i: Tensor<i32, N>) -> (Tensor<N>, Tensor<i32, N>) {
//!     (x * (1 / HALF), i * 2 + STEPS / 2)
//! }
//!
//! assert_eq!(scaled([1.0], [10])?, (array![2.0], array![23]));
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Promotion: there is none
//!
//! Two tensors that meet have one element type; nothing is converted silently, not from i32 to a float and not from
//! f32 to the working float either. The result of arithmetic is of that type, of comparisons `bool`, of
//! [`argmax`](fn@crate::ops::argmax) and its kin i32. Everything else is a cast, which says so:
//!
//! | from | to | what comes |
//! |---|---|---|
//! | float | integer | truncated towards 0; past its ends the nearest that there is; NaN is 0 |
//! | i32, u32 | each other | the same bits |
//! | number | bool | `x != 0` |
//! | bool | number | 0 and 1 |
//! | any float, integer | float | the nearest, the even one of two; past the greatest an infinity |
//! | f64, integer | f16, bf16 | that of the nearest f32 |
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn casts<N>(x: Tensor<N>) -> (Tensor<i32, N>, Tensor<u32, N>, Tensor<N>) {
//!     (x.cast(i32), x.cast(i32).cast(u32), (x > 0).cast(float))
//! }
//!
//! let (whole, bits, positive) = casts([2.9, -2.9, 1e20, f32::NAN])?;
//! assert_eq!(whole, array![2, -2, i32::MAX, 0]);
//! assert_eq!(bits, array![2, u32::MAX - 1, 0x7fff_ffff, 0]);
//! assert_eq!(positive, array![1.0, 0.0, 1.0, 0.0]);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Halves
//!
//! f16 (binary16: 11 digits, up to 65504) and bf16 (the upper half of an f32: 8 digits, its range) are types of
//! storage. They take 2 bytes, on every device and in every place: arguments, results, what loops stack, what a
//! step keeps for its derivative. Arithmetic of halves gives halves of the same type, and means: in f32, rounded
//! once at the end of the operation. The sum of a product or of an axis is made in f32 whatever its length, and so
//! is all that is inside of a `softmax`, a `mean` or a loss. The gradient of a half is one. An f16 and an f32, or an
//! f16 and a bf16, do not mix: a cast says which is meant.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! use sinew::half::{bf16, f16};
//!
//! #[model]
//! fn stored<N>(x: Tensor<N>, h: Tensor<f16, N>) -> (Tensor<bf16, N>, Tensor<f16>, Tensor) {
//!     (x.cast(bf16), h.sum(), (x.cast(f16) * h).cast(float).sum())
//! }
//!
//! let h = vec![f16::ONE; 3000];                       // a sum in f16 would stand at 2048
//! let (x, sum, dot) = stored(vec![0.1; 3000], h)?;
//! assert_eq!((x[0].to_f32(), sum.to_f32()), (0.100097656, 3000.0));
//! assert!((dot - 299.927).abs() < 1e-3);              // 0.1 is 0.09998 in f16
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! On the host they are the types of the crate `half`, which is re-exported as `sinew::half`. Parameters and states
//! are of the working float, and cast where they are used. What is drawn as a half is drawn in f32 and rounded, so
//! it may be the end of its interval. A GPU takes halves if its driver has 16-bit integers in buffers (wgpu's
//! `SHADER_I16`); where it has none, compiling says so.
//!
//! # Broadcasting
//!
//! Shapes are aligned right, as NumPy does: an axis that one side lacks, or that is a literal 1 there, repeats. A
//! symbol that happens to be 1 does not: what broadcasts is known when the crate compiles. A sequence `[S]`
//! broadcasts with itself and with shapes that have nothing in its place.
//!
//! | `x` | `y` | `x + y` |
//! |---|---|---|
//! | `[B, D]` | `[D]` | `[B, D]` |
//! | `[B, 1]` | `[D]` | `[B, D]` |
//! | `[S.., D]` | `[D]` | `[S.., D]` |
//! | `[B, D]` | `[B]` | refused: write `y.unsqueeze(-1)` |
//!
//! Losses of pairs (`mse(x, y)`) do not broadcast: there it is a mistake.
//!
//! # Division and remainder
//!
//! `/` is of floats. There is no `//`: a whole quotient is `(x / y).floor()`. `%` has the sign of the divisor, as
//! Python's and NumPy's does and Rust's does not; by 0 it is NaN for floats and 0 for integers. Its derivative is 1
//! by `x` and `-floor(x / y)` by `y`.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn wrapped<N>(x: Tensor<N>, i: Tensor<i32, N>) -> (Tensor<N>, Tensor<i32, N>, Tensor<i32, N>) {
//!     (x % 3, i % 3, i % -3)
//! }
//!
//! let (floats, up, down) = wrapped([-1.0, 4.0], [-1, 4])?;
//! assert_eq!(floats, array![2.0, 1.0]);
//! assert_eq!((up, down), (array![2, 1], array![-1, -2]));
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Integers
//!
//! Sums, differences and products of integers wrap, in 32 bits. Shifts move by the number modulo 32; `>>` of an i32
//! keeps the sign. Integers have no derivative.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn wraps<N>(i: Tensor<i32, N>, u: Tensor<u32, N>) -> (Tensor<i32, N>, Tensor<u32, N>, Tensor<i32, N>) {
//!     (i + 1, u - 1, i >> 33)
//! }
//!
//! let (sum, difference, halves) = wraps([i32::MAX, -8], [0u32, 1])?;
//! assert_eq!(sum, array![i32::MIN, -7]);
//! assert_eq!(difference, array![u32::MAX, 0]);
//! assert_eq!(halves, array![i32::MAX >> 1, -4]);
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # NaN, infinities, subnormals
//!
//! Floats are IEEE's: `1.0 / 0.0` is an infinity, `0.0 / 0.0` NaN, and nothing stops. NaN goes through what it meets:
//! `maximum`, `minimum`, `max`, `min`, `relu` and `clamp` give NaN if an operand is; comparisons with it are false,
//! `!=` true; `argmax` and `argmin` find the first NaN; sorting puts it last. `check_finite(true)` on a trainer or
//! runner makes an error of the first one, with the operation that made it and its line. Subnormal numbers of f32
//! and f64 count as 0; those of f16 are kept.
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn of_nan<N>(x: Tensor<N>) -> (Tensor, Tensor<N>, Tensor<bool, N>, Tensor<i32>, Tensor<i32, N>) {
//!     (x.max(), x.relu(), x == x, x.argmax(), x.argsort())
//! }
//!
//! let (max, relu, equal, place, order) = of_nan([1.0, f32::NAN, -2.0])?;
//! assert!(max.is_nan() && relu[1].is_nan());
//! assert_eq!(equal, array![true, false, true]);
//! assert_eq!((place, order), (1, array![2, 0, 1]));
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Ties and kinks
//!
//! | where | value | derivative |
//! |---|---|---|
//! | `argmax`, `argmin`, `topk` of equal elements | the first | none |
//! | `sort`, `argsort` of equal elements | in their order, also with `descending` | that of the elements in their places |
//! | `max`, `min` over axes | | in equal shares for all that are it |
//! | `maximum`, `minimum` of equal operands | | a half each |
//! | `relu`, `abs`, `sign`, `floor` at a kink or a jump | | 0 |
//! | `clamp` at a bound | | 0 for x, 1 for the bound |
//! | `set` at equal indices | the last | that of the one that counts |
//!
//! ```
//! # use sinew::ndarray::array;
//! # use sinew::prelude::*;
//! #[model]
//! fn slopes(x: Tensor<3>) -> (Tensor<3>, Tensor<3>, Tensor<3>, Tensor<3>) {
//!     (
//!         grad(|x| x.max(), x),
//!         grad(|x| maximum(x, 2).sum(), x),
//!         grad(|x| (x - 2).relu().sum() + (x - 2).abs().sum(), x),
//!         grad(|x| x.clamp(0, 2).sum(), x),
//!     )
//! }
//!
//! let (max, maximum, kinks, bound) = slopes([2.0, 1.0, 2.0])?;
//! assert_eq!((max, maximum), (array![0.5, 0.0, 0.5], array![0.5, 0.0, 0.5]));
//! assert_eq!((kinks, bound), (array![0.0, -1.0, 0.0], array![0.0, 1.0, 0.0]));
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Empty tensors
//!
//! A symbol is at least 1: an argument without elements is an error, and so is a size that makes a parameter without
//! elements; but the number of repeated children may be 0. Inside, an axis may come out as 0 (`x[1..]` of one element): a sum over nothing is 0, a product 1, a
//! mean NaN, a maximum minus infinity.
//!
//! ```
//! # use sinew::prelude::*;
//! #[model]
//! fn behind_the_first<N>(x: Tensor<N>) -> (Tensor, Tensor, Tensor) {
//!     (x[1..].sum(), x[1..].prod(), x[1..].max())
//! }
//!
//! assert_eq!(behind_the_first([3.0])?, (0.0, 1.0, f32::NEG_INFINITY));
//! assert!(behind_the_first(Vec::<f32>::new()).is_err());
//! # Ok::<(), sinew::Error>(())
//! ```
//!
//! # Bools
//!
//! Comparisons give tensors of bools, `&& || ! == !=` and `& | ^` join them, [`where_`](fn@crate::ops::where_)
//! chooses by them, and a cast makes numbers of them: `(x > 0).cast(float).mean()` is a share. They have no
//! arithmetic, and no `if` asks them: it asks what is known before anything runs
//! ([`configuration`](super::configuration#choices)).
//!
//! # Precision
//!
//! The working float is f32 on every device; `.precision(Precision::F64)` on a trainer or runner makes it f64, on the
//! CPU. Sums are made in the working float, of halves in f32. A plain call `f(x)?` works in f64 as soon as an argument or a parameter
//! is of f64, and gives f32.
