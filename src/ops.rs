//! The operations of the language, as items: what `#[model]` functions call by name or as methods.
//!
//! Indices and labels are checked where that costs nothing: an argument of the function that is used as
//! one is looked at before the step, and one outside its axis is an error that names it, with the place
//! and the value. Indices that are computed in the function are not: those below 0 count as 0, those
//! past the end as the last one (and [`one_hot`] of either is a row of zeros).
//!
//! They are computed nowhere here: a [`Tensor`] exists in model functions only, so none of these can be
//! called from Rust. `#[model]` uses each item that a body names, so that rustc decides what the name
//! means where an item of yours has it too.

use std::convert::Infallible;
use std::marker::PhantomData;

/// The type of tensors in `#[model]` functions: `Tensor<B, 64>`, `Tensor<i32, B>`, `Tensor<[S], D>`.
///
/// Rust code never holds one: outside, tensors are `ndarray` arrays.
pub struct Tensor<Of = ()> {
    never: Infallible,
    of: PhantomData<Of>,
}

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident($first:ident $(, $rest:ident)*);)*) => {
        /// What tells operations from each other.
        #[doc(hidden)]
        #[allow(non_camel_case_types, missing_docs)]
        pub(crate) mod the_operation {
            $(pub enum $name {})*
        }

        $(
            $(#[$doc])*
            #[allow(unused_variables, clippy::too_many_arguments)]
            pub fn $name($first: Tensor, $($rest: Tensor),*) -> Tensor<the_operation::$name> {
                match $first.never {}
            }
        )*
    };
}

operations! {
    /// `-x`.
    neg(x);
    /// The absolute value; its derivative at 0 is 0.
    abs(x);
    /// `e^x`.
    exp(x);
    /// The natural logarithm.
    log(x);
    /// The hyperbolic tangent.
    tanh(x);
    /// The square root.
    sqrt(x);
    /// The error function.
    erf(x);
    /// The greatest integer not above x.
    floor(x);
    /// -1, 0 or 1.
    sign(x);
    /// `x * x`.
    square(x);
    /// `1 / x`.
    reciprocal(x);
    /// `max(x, 0)`; its derivative at 0 is 0, and NaN stays NaN.
    relu(x);
    /// `1 / (1 + exp(-x))`.
    sigmoid(x);
    /// `x * sigmoid(x)`.
    silu(x);
    /// x, whose derivative is taken for 0.
    stop_gradient(x);
    /// `x * Phi(x)`, with the error function, or with `approximate = "tanh"` its approximation.
    gelu(x, approximate);
    /// `exp(x) - 1`, exact near 0.
    expm1(x);
    /// `log(1 + x)`, exact near 0.
    log1p(x);
    /// `log(1 + exp(x))`.
    softplus(x);
    /// x where it is positive, `negative_slope * x` (0.01) elsewhere.
    leaky_relu(x, negative_slope);
    /// x where it is positive, `alpha * (exp(x) - 1)` (1) elsewhere.
    elu(x, alpha);
    /// x to a power.
    pow(x, exponent);
    /// x to the power of a literal integer.
    powi(x, exponent);
    /// The greater of two elements.
    maximum(x, y);
    /// The smaller of two elements.
    minimum(x, y);
    /// x, not below `min` and not above `max`.
    clamp(x, min, max);
    /// x where the condition holds, y elsewhere.
    where_(condition, x, y);
    /// As [`where_`].
    select(condition, x, y);
    /// x with elements of another type: `x.cast(i32)`, and `x.cast(float)` to the working float, which
    /// is what mixes with tensors that name no type. Floats to integers truncate.
    cast(x, dtype);
    /// As [`cast`].
    to(x, dtype);
    /// The sum over axes, or over all of them.
    sum(x, axis, keepdims);
    /// The mean over axes, or over all of them.
    mean(x, axis, keepdims);
    /// The greatest element over axes, or over all of them.
    max(x, axis, keepdims);
    /// The smallest element over axes, or over all of them.
    min(x, axis, keepdims);
    /// `log(sum(exp(x)))` over axes, or over all of them; stable.
    logsumexp(x, axis, keepdims);
    /// The variance over axes, or over all of them: divided by n - `correction` (0).
    var(x, axis, correction, keepdims);
    /// The square root of [`var`].
    std(x, axis, correction, keepdims);
    /// The index of the first maximum along an axis, as i32; of all elements without one.
    argmax(x, axis, keepdims);
    /// The index of the first minimum along an axis, as i32; of all elements without one.
    argmin(x, axis, keepdims);
    /// `exp(x) / sum(exp(x))` along an axis, the last without one.
    softmax(x, axis);
    /// The logarithm of [`softmax`]; stable.
    log_softmax(x, axis);
    /// The matrix product of the last two axes; those in front broadcast.
    matmul(x, y);
    /// Einstein's sums: `einsum("bthd,bshd->bhts", q, k)`.
    einsum(spec, a, b, c, d);
    /// The same elements in row-major order with other dims; -1 stands for one that is inferred.
    reshape(x, shape);
    /// All elements in one axis.
    flatten(x);
    /// The axes in another order.
    permute(x, axes);
    /// The axes in another order, reversed without a list.
    transpose(x, axes);
    /// Two axes in each other's place.
    swapaxes(x, i, j);
    /// The last two axes in each other's place.
    t(x);
    /// A new axis of one index.
    unsqueeze(x, axis);
    /// Without axes of one index.
    squeeze(x, axis);
    /// Repeated to a shape.
    broadcast_to(x, shape);
    /// Repeated to a shape; -1 keeps a dim.
    expand(x, shape);
    /// Summed back to a shape that broadcasts to x's.
    sum_to(x, shape);
    /// Tensors one after the other along an axis, the first without one.
    concat(parts, axis);
    /// As [`fn@concat`].
    cat(parts, axis);
    /// Tensors along a new axis, the first without one.
    stack(parts, axis);
    /// Parts of the given sizes along an axis.
    split(x, sizes, axis);
    /// Backwards along an axis.
    flip(x, axis);
    /// Shifted along an axis; what leaves one end enters the other.
    roll(x, shift, axis);
    /// With so many elements of `value` (0) before and behind each of the last axes.
    pad(x, widths, value);
    /// x's slices at i32 indices along an axis. An index outside of it is an error for an argument,
    /// and clamped to the axis where it is computed.
    take(x, indices, axis);
    /// x's elements at i32 indices along an axis. An index outside of it is an error for an argument,
    /// and clamped to the axis where it is computed.
    take_along_axis(x, indices, axis);
    /// x with updates added at i32 indices along an axis. An index outside of it is an error for an
    /// argument, and clamped to the axis where it is computed.
    scatter_add(x, axis, indices, updates);
    /// x with slices added at i32 indices along an axis. An index outside of it is an error for an
    /// argument, and clamped to the axis where it is computed.
    index_add(x, axis, indices, updates);
    /// 1 at each index along a new last axis, 0 elsewhere: a row of zeros for an index that is none
    /// of the classes.
    one_hot(indices, classes, dtype);
    /// The elements on and below the `k`th diagonal, 0 elsewhere.
    tril(x, k);
    /// 0, 1, .. below a size.
    arange(n, dtype);
    /// Each element's index along an axis.
    iota(shape, axis, dtype);
    /// Zeros of a shape.
    zeros(shape, dtype);
    /// Ones of a shape.
    ones(shape, dtype);
    /// One number in a shape.
    full(shape, value, dtype);
    /// Zeros of x's type.
    zeros_like(x);
    /// Ones of x's type.
    ones_like(x);
    /// The cross entropy of logits and class labels (i32). Classes are on axis 1, or on the only one.
    /// A label that is neither a class nor `ignore_index` (-100) is an error for an argument, and
    /// clamped to the classes where it is computed.
    cross_entropy(x, labels, axis, reduction, ignore_index, label_smoothing);
    /// Minus the log probability at each label (i32), for labels as [`cross_entropy`] takes them.
    nll_loss(x, labels, axis, reduction, ignore_index);
    /// Huber's loss: half the square of differences up to `delta` (1), linear beyond.
    huber_loss(x, y, reduction, delta);
    /// The binary cross entropy of logits and targets between 0 and 1.
    binary_cross_entropy_with_logits(x, y, reduction);
    /// The mean squared difference.
    mse(x, y, reduction);
    /// As [`mse`].
    mse_loss(x, y, reduction);
}
