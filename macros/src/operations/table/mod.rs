//! The declarations, by family.
//!
//! A plain op of the IR is one line: its name and docs are those of its entry.

mod activations;
mod arrangement;
mod attention;
mod classes;
mod creation;
mod derivatives;
mod elementwise;
mod indexing;
mod linear;
mod losses;
mod over_axes;
mod pairs;
mod probes;
mod products;
mod random;
mod sliding;
mod vectors;

use super::Operation;

/// The operations whose plain names the prelude brings.
///
/// Next to the prelude's glob rustc finds a model function of such a name ambiguous. So none joins them
/// but in a version that may break programs: an operation that comes later is a method (`x.sin()`) and an
/// item of `sinew::ops`, which whoever wants its plain name imports.
pub const PRELUDE: &[&str] = &[
    "neg",
    "abs",
    "exp",
    "log",
    "tanh",
    "sqrt",
    "erf",
    "floor",
    "sign",
    "square",
    "reciprocal",
    "relu",
    "sigmoid",
    "silu",
    "stop_gradient",
    "gelu",
    "expm1",
    "log1p",
    "softplus",
    "leaky_relu",
    "elu",
    "pow",
    "powi",
    "maximum",
    "minimum",
    "clamp",
    "where_",
    "select",
    "cast",
    "to",
    "sum",
    "mean",
    "max",
    "min",
    "logsumexp",
    "var",
    "std",
    "argmax",
    "argmin",
    "softmax",
    "log_softmax",
    "matmul",
    "einsum",
    "reshape",
    "flatten",
    "permute",
    "transpose",
    "swapaxes",
    "t",
    "unsqueeze",
    "squeeze",
    "broadcast_to",
    "expand",
    "sum_to",
    "concat",
    "cat",
    "stack",
    "split",
    "flip",
    "roll",
    "pad",
    "take",
    "take_along_axis",
    "scatter_add",
    "index_add",
    "one_hot",
    "tril",
    "arange",
    "iota",
    "zeros",
    "ones",
    "full",
    "zeros_like",
    "ones_like",
    "cross_entropy",
    "nll_loss",
    "huber_loss",
    "binary_cross_entropy_with_logits",
    "mse",
    "mse_loss",
    "grad",
    "value_and_grad",
    "vjp",
    "checkpoint",
    "capture",
    "patch",
    "jvp",
    "vmap",
    "training",
];

/// Every operation.
pub fn operations() -> Vec<Operation> {
    [
        elementwise::operations(),
        activations::operations(),
        pairs::operations(),
        over_axes::operations(),
        products::operations(),
        sliding::operations(),
        attention::operations(),
        linear::operations(),
        arrangement::operations(),
        indexing::operations(),
        creation::operations(),
        probes::operations(),
        random::operations(),
        classes::operations(),
        losses::operations(),
        vectors::operations(),
        derivatives::operations(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
