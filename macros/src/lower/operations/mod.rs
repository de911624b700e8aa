//! The operations of the language: one entry each, from name and arguments to the builder.
//!
//! Names and defaults are PyTorch's and NumPy's; where these differ, NumPy's. Whether a plain name in a
//! body means the operation is rustc's decision: the library exports an item of each name, and emitted
//! dead code uses it.

mod arrangement;
mod contraction;
mod creation;
mod elementwise;
mod indexing;
mod losses;
mod reduction;

use super::Lowerer;
use super::arguments::Arguments;
use super::build::Operand;
use super::call::Given;
use super::value::Val;
use crate::errors::Checked;
use quote::ToTokens;
use sinew_ir::lower::{self};
use sinew_ir::{Builder, OpError, Value, ops};

/// An operation.
pub struct Operation {
    /// Its name.
    pub name: &'static str,
    /// Its parameters; the first is the receiver of the method.
    pub parameters: &'static [&'static str],
    /// How many of them must be given.
    pub required: usize,
    /// How it is written, for messages.
    pub usage: &'static str,
    /// What it does to a body.
    pub lower: Lower,
}

type Lower = fn(&mut Lowerer<'_, '_>, &Arguments<'_>) -> Checked<Val>;

const fn entry(
    name: &'static str,
    parameters: &'static [&'static str],
    required: usize,
    usage: &'static str,
    lower: Lower,
) -> Operation {
    Operation {
        name,
        parameters,
        required,
        usage,
        lower,
    }
}

macro_rules! unary {
    ($name:literal, $op:ident) => {
        entry($name, &["x"], 1, concat!("x.", $name, "()"), |l, a| {
            l.unary_op(a, ops::$op)
        })
    };
}

macro_rules! reduction {
    ($name:literal, $op:ident) => {
        entry(
            $name,
            &["x", "axis", "keepdims"],
            1,
            concat!(
                "x.",
                $name,
                "(axis, keepdims = false)` with an axis, a list of axes or none for all: `x.",
                $name,
                "()"
            ),
            |l, a| l.reduction(a, ops::$op),
        )
    };
}

/// Every operation, by name.
pub static TABLE: &[Operation] = &[
    unary!("neg", NEG),
    unary!("abs", ABS),
    unary!("exp", EXP),
    unary!("log", LOG),
    unary!("tanh", TANH),
    unary!("sqrt", SQRT),
    unary!("erf", ERF),
    unary!("floor", FLOOR),
    unary!("sign", SIGN),
    unary!("square", SQUARE),
    unary!("reciprocal", RECIPROCAL),
    unary!("relu", RELU),
    unary!("sigmoid", SIGMOID),
    unary!("silu", SILU),
    unary!("stop_gradient", STOP_GRADIENT),
    entry(
        "gelu",
        &["x", "approximate"],
        1,
        "x.gelu(approximate = \"none\")",
        |l, a| l.gelu(a),
    ),
    unary!("expm1", EXPM1),
    unary!("log1p", LOG1P),
    unary!("softplus", SOFTPLUS),
    entry(
        "leaky_relu",
        &["x", "negative_slope"],
        1,
        "x.leaky_relu(negative_slope = 0.01)",
        |l, a| l.with_number(a, 0.01, lower::leaky_relu),
    ),
    entry("elu", &["x", "alpha"], 1, "x.elu(alpha = 1.0)", |l, a| {
        l.with_number(a, 1.0, lower::elu)
    }),
    entry("pow", &["x", "exponent"], 2, "x.pow(2.5)", |l, a| l.pow(a)),
    entry("powi", &["x", "exponent"], 2, "x.powi(3)", |l, a| l.powi(a)),
    entry("maximum", &["x", "y"], 2, "maximum(x, y)", |l, a| {
        l.binary_op(a, ops::MAXIMUM)
    }),
    entry("minimum", &["x", "y"], 2, "minimum(x, y)", |l, a| {
        l.binary_op(a, ops::MINIMUM)
    }),
    entry(
        "clamp",
        &["x", "min", "max"],
        3,
        "x.clamp(0.0, 1.0)",
        |l, a| l.clamp(a),
    ),
    entry(
        "where_",
        &["condition", "x", "y"],
        3,
        "where_(condition, x, y)",
        |l, a| l.select(a),
    ),
    entry(
        "select",
        &["condition", "x", "y"],
        3,
        "select(condition, x, y)",
        |l, a| l.select(a),
    ),
    entry("cast", &["x", "dtype"], 2, "x.cast(float)", |l, a| {
        l.cast(a)
    }),
    entry("to", &["x", "dtype"], 2, "x.to(float)", |l, a| l.cast(a)),
    reduction!("sum", SUM),
    reduction!("mean", MEAN),
    reduction!("max", MAX),
    reduction!("min", MIN),
    reduction!("logsumexp", LOGSUMEXP),
    entry(
        "var",
        &["x", "axis", "correction", "keepdims"],
        1,
        "x.var(axis, correction = 0, keepdims = false)",
        |l, a| l.var(a),
    ),
    entry(
        "std",
        &["x", "axis", "correction", "keepdims"],
        1,
        "x.std(axis, correction = 0, keepdims = false)",
        |l, a| l.std(a),
    ),
    entry(
        "argmax",
        &["x", "axis", "keepdims"],
        1,
        "x.argmax(axis, keepdims = false)",
        |l, a| l.position(a, lower::argmax),
    ),
    entry(
        "argmin",
        &["x", "axis", "keepdims"],
        1,
        "x.argmin(axis, keepdims = false)",
        |l, a| l.position(a, lower::argmin),
    ),
    entry(
        "softmax",
        &["x", "axis"],
        1,
        "x.softmax(axis = -1)",
        |l, a| l.along(a, ops::SOFTMAX),
    ),
    entry(
        "log_softmax",
        &["x", "axis"],
        1,
        "x.log_softmax(axis = -1)",
        |l, a| l.along(a, ops::LOG_SOFTMAX),
    ),
    entry("matmul", &["x", "y"], 2, "matmul(x, y)", |l, a| l.matmul(a)),
    entry(
        "einsum",
        &["spec", "a", "b", "c", "d"],
        2,
        "einsum(\"bthd,bshd->bhts\", q, k)",
        |l, a| l.einsum(a),
    ),
    entry(
        "reshape",
        &["x", "shape"],
        2,
        "x.reshape([B, H * D])` with -1 for at most one dim: `x.reshape([B, -1])",
        |l, a| l.reshape(a),
    ),
    entry("flatten", &["x"], 1, "x.flatten()", |l, a| l.flatten(a)),
    entry(
        "permute",
        &["x", "axes"],
        2,
        "x.permute([0, 2, 1])",
        |l, a| l.permute(a),
    ),
    entry(
        "transpose",
        &["x", "axes"],
        1,
        "x.transpose([0, 2, 1])` or, to reverse all axes, `x.transpose()",
        |l, a| l.transpose(a),
    ),
    entry(
        "swapaxes",
        &["x", "i", "j"],
        3,
        "x.swapaxes(-1, -2)",
        |l, a| l.swapaxes(a),
    ),
    entry("t", &["x"], 1, "x.t()", |l, a| l.t(a)),
    entry("unsqueeze", &["x", "axis"], 2, "x.unsqueeze(-1)", |l, a| {
        l.unsqueeze(a)
    }),
    entry("squeeze", &["x", "axis"], 2, "x.squeeze(-1)", |l, a| {
        l.squeeze(a)
    }),
    entry(
        "broadcast_to",
        &["x", "shape"],
        2,
        "x.broadcast_to([B, D])",
        |l, a| l.broadcast_to(a),
    ),
    entry("expand", &["x", "shape"], 2, "x.expand([B, -1])", |l, a| {
        l.expand(a)
    }),
    entry("sum_to", &["x", "shape"], 2, "x.sum_to([1, D])", |l, a| {
        l.sum_to(a)
    }),
    entry(
        "concat",
        &["parts", "axis"],
        1,
        "concat([a, b], axis = 0)",
        |l, a| l.concat(a),
    ),
    entry(
        "cat",
        &["parts", "axis"],
        1,
        "cat([a, b], axis = 0)",
        |l, a| l.concat(a),
    ),
    entry(
        "stack",
        &["parts", "axis"],
        1,
        "stack([a, b], axis = 0)",
        |l, a| l.stack(a),
    ),
    entry(
        "split",
        &["x", "sizes", "axis"],
        2,
        "x.split([D, D], axis = 0)",
        |l, a| l.split(a),
    ),
    entry("flip", &["x", "axis"], 2, "x.flip(-1)", |l, a| {
        l.on_axis(a, lower::flip)
    }),
    entry(
        "roll",
        &["x", "shift", "axis"],
        3,
        "x.roll(1, -1)",
        |l, a| l.roll(a),
    ),
    entry(
        "pad",
        &["x", "widths", "value"],
        2,
        "x.pad([(0, 0), (1, 1)], value = 0.0)",
        |l, a| l.pad(a),
    ),
    entry(
        "take",
        &["x", "indices", "axis"],
        3,
        "x.take(indices, axis)",
        |l, a| l.indexed(a, lower::take),
    ),
    entry(
        "take_along_axis",
        &["x", "indices", "axis"],
        3,
        "x.take_along_axis(indices, axis)",
        |l, a| l.indexed(a, lower::take_along_axis),
    ),
    entry(
        "scatter_add",
        &["x", "axis", "indices", "updates"],
        4,
        "x.scatter_add(axis, indices, updates)",
        |l, a| l.scattered(a, ops::SCATTER_ADD),
    ),
    entry(
        "index_add",
        &["x", "axis", "indices", "updates"],
        4,
        "x.index_add(axis, indices, updates)",
        |l, a| l.scattered(a, ops::INDEX_ADD),
    ),
    entry(
        "one_hot",
        &["indices", "classes", "dtype"],
        2,
        "one_hot(indices, 10)",
        |l, a| l.one_hot(a),
    ),
    entry("tril", &["x", "k"], 1, "x.tril(k = 0)", |l, a| l.tril(a)),
    entry("arange", &["n", "dtype"], 1, "arange(N, i32)", |l, a| {
        l.arange(a)
    }),
    entry(
        "iota",
        &["shape", "axis", "dtype"],
        2,
        "iota([B, T], 1, i32)",
        |l, a| l.iota(a),
    ),
    entry("zeros", &["shape", "dtype"], 1, "zeros([B, D])", |l, a| {
        l.filled(a, 0.0, 1)
    }),
    entry("ones", &["shape", "dtype"], 1, "ones([B, D])", |l, a| {
        l.filled(a, 1.0, 1)
    }),
    entry(
        "full",
        &["shape", "value", "dtype"],
        2,
        "full([B, D], 0.5)",
        |l, a| {
            let value = l.number_arg(a, 1, 0.0)?;
            l.filled(a, value, 2)
        },
    ),
    entry("zeros_like", &["x"], 1, "zeros_like(x)", |l, a| {
        l.like(a, 0.0)
    }),
    entry("ones_like", &["x"], 1, "ones_like(x)", |l, a| {
        l.like(a, 1.0)
    }),
    entry(
        "cross_entropy",
        &[
            "x",
            "labels",
            "axis",
            "reduction",
            "ignore_index",
            "label_smoothing",
        ],
        2,
        "cross_entropy(logits, labels, reduction = \"mean\", ignore_index = -100, label_smoothing = 0.0)",
        |l, a| l.cross_entropy(a),
    ),
    entry(
        "nll_loss",
        &["x", "labels", "axis", "reduction", "ignore_index"],
        2,
        "nll_loss(log_probabilities, labels, reduction = \"mean\", ignore_index = -100)",
        |l, a| l.nll_loss(a),
    ),
    entry(
        "huber_loss",
        &["x", "y", "reduction", "delta"],
        2,
        "huber_loss(x, y, reduction = \"mean\", delta = 1.0)",
        |l, a| l.huber(a),
    ),
    entry(
        "binary_cross_entropy_with_logits",
        &["x", "y", "reduction"],
        2,
        "binary_cross_entropy_with_logits(x, y, reduction = \"mean\")",
        |l, a| l.binary_cross_entropy(a),
    ),
    entry(
        "mse",
        &["x", "y", "reduction"],
        2,
        "mse(x, y, reduction = \"mean\")",
        |l, a| l.mse(a),
    ),
    entry(
        "mse_loss",
        &["x", "y", "reduction"],
        2,
        "mse_loss(x, y, reduction = \"mean\")",
        |l, a| l.mse(a),
    ),
];

/// The operation called `name`.
pub fn find(name: &str) -> Option<&'static Operation> {
    TABLE.iter().find(|o| o.name == name)
}

/// Every name.
pub fn names() -> Vec<String> {
    TABLE.iter().map(|o| o.name.to_string()).collect()
}

impl Lowerer<'_, '_> {
    /// A call of an operation, as a function or as a method.
    pub fn operation(
        &mut self,
        op: &'static Operation,
        name: &syn::Ident,
        receiver: Option<Given>,
        args: &syn::punctuated::Punctuated<syn::Expr, syn::Token![,]>,
    ) -> Checked<Val> {
        let arguments = Arguments::of(self.scope, op, name, receiver, args)?;
        (op.lower)(self, &arguments)
    }

    /// An operation of one tensor.
    pub(super) fn with_x(
        &mut self,
        a: &Arguments<'_>,
        make: impl FnOnce(&mut Builder, Value) -> Result<Value, OpError>,
    ) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let at = a.name.to_token_stream();
        self.on(a, x, &at, |b| make(b, x))
    }

    /// An operation of one tensor, where `at` is to blame for what is not the tensor's type.
    pub(super) fn on(
        &mut self,
        a: &Arguments<'_>,
        x: Value,
        at: &impl ToTokens,
        make: impl FnOnce(&mut Builder) -> Result<Value, OpError>,
    ) -> Checked<Val> {
        let operand = Operand::of(&a.tokens(0), x);
        let built = self.build(at, a.op.name, &[operand], make)?;
        Ok(Val::Tensor(built))
    }
}
