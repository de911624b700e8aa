//! The declarations.
//!
//! A plain op of the IR is one line: its name and docs are those of its entry.

use super::{DefaultValue, Lowering, Operation, Parameter};
use sinew_ir::compose;
use sinew_ir::{DType, Op, ops};

/// What becomes of the losses of rows, the mean without a word.
const REDUCTIONS: &[&str] = &["mean", "sum", "none"];

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
];

impl Operation {
    /// An operation that takes nothing yet.
    fn new(name: &'static str, doc: &str, lowering: Lowering) -> Operation {
        Operation {
            name,
            doc: doc.to_string(),
            parameters: Vec::new(),
            by_name: false,
            note: None,
            lowering,
        }
    }

    /// One that is an op of the IR, under its name and with its docs.
    fn for_op(op: Op, lowering: fn(Op) -> Lowering) -> Operation {
        Operation::new(op.name, op.doc, lowering(op))
    }

    fn with(
        mut self,
        name: &'static str,
        example: &'static str,
        default: DefaultValue,
    ) -> Operation {
        self.parameters.push(Parameter {
            name,
            example,
            default,
            many: false,
        });
        self
    }

    /// With an argument that must be there.
    fn takes(self, name: &'static str) -> Operation {
        self.with(name, name, DefaultValue::Required)
    }

    /// With an argument that must be there, and what stands for it in examples.
    fn takes_as(self, name: &'static str, example: &'static str) -> Operation {
        self.with(name, example, DefaultValue::Required)
    }

    /// With an argument whose absence the docs describe.
    fn may_take(self, name: &'static str) -> Operation {
        self.with(name, name, DefaultValue::Described)
    }

    /// With any number of arguments at the end.
    fn takes_many(self, name: &'static str, example: &'static str) -> Operation {
        let mut out = self.with(name, example, DefaultValue::Required);
        if let Some(parameter) = out.parameters.last_mut() {
            parameter.many = true;
        }
        out
    }

    fn integer(self, name: &'static str, default: i64) -> Operation {
        self.with(name, name, DefaultValue::Integer(default))
    }

    fn number(self, name: &'static str, default: f64) -> Operation {
        self.with(name, name, DefaultValue::Number(default))
    }

    fn flag(self, name: &'static str) -> Operation {
        self.with(name, name, DefaultValue::Flag(false))
    }

    fn choice(self, name: &'static str, texts: &'static [&'static str]) -> Operation {
        self.with(name, name, DefaultValue::Choice(texts))
    }

    fn dtype(self, default: DType) -> Operation {
        self.with("dtype", "dtype", DefaultValue::DType(default))
    }

    /// Whose examples call it by name.
    fn by_name(mut self) -> Operation {
        self.by_name = true;
        self
    }

    /// With words behind the example.
    fn note(mut self, note: &str) -> Operation {
        self.note = Some(note.to_string());
        self
    }

    /// With more docs.
    fn also(mut self, doc: &str) -> Operation {
        self.doc.push(' ');
        self.doc.push_str(doc);
        self
    }

    /// The same under another name.
    fn alias(name: &'static str, original: Operation) -> Operation {
        Operation {
            name,
            doc: format!("As [`fn@{}`].", original.name),
            ..original
        }
    }
}

fn unary(op: Op) -> Operation {
    Operation::for_op(op, Lowering::Unary).takes("x")
}

fn binary(op: Op) -> Operation {
    Operation::for_op(op, Lowering::Binary)
        .takes("x")
        .takes("y")
        .by_name()
}

fn reduction(op: Op) -> Operation {
    Operation::for_op(op, Lowering::Reduction)
        .takes("x")
        .may_take("axis")
        .flag("keepdims")
        .note(&format!(
            "with an axis, a list of axes or none for all: `x.{}()`",
            op.name
        ))
        .also("All axes go where none is named; with `keepdims` they stay as ones.")
}

fn along(op: Op) -> Operation {
    Operation::for_op(op, Lowering::Along)
        .takes("x")
        .integer("axis", -1)
}

fn special(
    name: &'static str,
    doc: &str,
    lower: fn(
        &mut crate::lower::Lowerer<'_, '_>,
        &crate::lower::Arguments<'_>,
    ) -> crate::errors::Checked<crate::lower::Val>,
) -> Operation {
    Operation::new(name, doc, Lowering::Special(lower))
}

/// Every operation.
pub fn operations() -> Vec<Operation> {
    let mut all = elementwise();
    all.extend(over_axes());
    all.extend(products());
    all.extend(arrangement());
    all.extend(indexing());
    all.extend(creation());
    all.extend(losses());
    all
}

fn elementwise() -> Vec<Operation> {
    let select = || {
        special(
            "where_",
            "x where the condition holds, y elsewhere.",
            |l, a| l.select(a),
        )
        .takes("condition")
        .takes("x")
        .takes("y")
        .by_name()
    };
    let cast = || {
        special(
            "cast",
            "x with elements of another type: `x.cast(i32)`, and `x.cast(float)` to the working float, \
             which is what mixes with tensors that name no type. Floats to integers truncate.",
            |l, a| l.cast(a),
        )
        .takes("x")
        .takes_as("dtype", "float")
    };
    vec![
        unary(ops::NEG),
        unary(ops::ABS),
        unary(ops::EXP),
        unary(ops::LOG),
        unary(ops::TANH),
        unary(ops::SQRT),
        unary(ops::ERF),
        unary(ops::SIN),
        unary(ops::COS),
        unary(ops::TAN),
        unary(ops::ASIN),
        unary(ops::ACOS),
        unary(ops::ATAN),
        unary(ops::SINH),
        unary(ops::COSH),
        unary(ops::RSQRT),
        unary(ops::ROUND),
        unary(ops::CEIL),
        unary(ops::FLOOR),
        unary(ops::SIGN),
        unary(ops::SQUARE),
        unary(ops::RECIPROCAL),
        unary(ops::RELU),
        unary(ops::SIGMOID),
        unary(ops::SILU),
        unary(ops::STOP_GRADIENT),
        unary(ops::EXPM1),
        unary(ops::LOG1P),
        unary(ops::SOFTPLUS),
        special(
            "gelu",
            "`x * Phi(x)`, with the error function, or with `approximate = \"tanh\"` its approximation.",
            |l, a| l.gelu(a),
        )
        .takes("x")
        .choice("approximate", &["none", "tanh"]),
        Operation::new(
            "leaky_relu",
            "x where it is positive, `negative_slope * x` elsewhere.",
            Lowering::Number(compose::leaky_relu),
        )
        .takes("x")
        .number("negative_slope", 0.01),
        Operation::new(
            "elu",
            "x where it is positive, `alpha * (exp(x) - 1)` elsewhere.",
            Lowering::Number(compose::elu),
        )
        .takes("x")
        .number("alpha", 1.0),
        special("pow", "x to a power.", |l, a| l.pow(a))
            .takes("x")
            .takes_as("exponent", "2.5"),
        special("powi", "x to the power of a literal integer.", |l, a| {
            l.powi(a)
        })
        .takes("x")
        .takes_as("exponent", "3"),
        binary(ops::MAXIMUM),
        binary(ops::MINIMUM),
        special("clamp", "x, not below `min` and not above `max`.", |l, a| {
            l.clamp(a)
        })
        .takes("x")
        .takes_as("min", "0.0")
        .takes_as("max", "1.0"),
        select(),
        Operation::alias("select", select()),
        cast(),
        Operation::alias("to", cast()),
    ]
}

fn over_axes() -> Vec<Operation> {
    vec![
        reduction(ops::SUM),
        reduction(ops::PROD),
        reduction(ops::MEAN),
        reduction(ops::MAX),
        reduction(ops::MIN),
        reduction(ops::LOGSUMEXP),
        Operation::new(
            "cumsum",
            "The sum of each element and those before it along an axis.",
            Lowering::Axis(compose::cumsum),
        )
        .takes("x")
        .takes_as("axis", "-1"),
        Operation::new(
            "cumprod",
            "The product of each element and those before it along an axis.",
            Lowering::Axis(compose::cumprod),
        )
        .takes("x")
        .takes_as("axis", "-1"),
        special(
            "var",
            "The variance over axes, or over all of them: divided by n - `correction`.",
            |l, a| l.var(a),
        )
        .takes("x")
        .may_take("axis")
        .number("correction", 0.0)
        .flag("keepdims"),
        special("std", "The square root of [`var`].", |l, a| l.std(a))
            .takes("x")
            .may_take("axis")
            .number("correction", 0.0)
            .flag("keepdims"),
        Operation::new(
            "argmax",
            "The index of the first maximum along an axis, as i32; of all elements without one.",
            Lowering::Position(compose::argmax),
        )
        .takes("x")
        .may_take("axis")
        .flag("keepdims"),
        Operation::new(
            "argmin",
            "The index of the first minimum along an axis, as i32; of all elements without one.",
            Lowering::Position(compose::argmin),
        )
        .takes("x")
        .may_take("axis")
        .flag("keepdims"),
        along(ops::SOFTMAX),
        along(ops::LOG_SOFTMAX),
    ]
}

fn products() -> Vec<Operation> {
    vec![
        special(
            "matmul",
            "The matrix product of the last two axes; those in front broadcast.",
            |l, a| l.matmul(a),
        )
        .takes("x")
        .takes("y")
        .by_name(),
        special(
            "einsum",
            "Einstein's sums of any number of tensors: letters name axes, those that are not behind `->` \
             are summed over.",
            |l, a| l.einsum(a),
        )
        .takes_as("spec", "\"bthd,bshd->bhts\"")
        .takes_many("operands", "q, k")
        .by_name(),
    ]
}

fn arrangement() -> Vec<Operation> {
    let concat = || {
        special(
            "concat",
            "Tensors one after the other along an axis, the first without one.",
            |l, a| l.concat(a),
        )
        .takes_as("parts", "[a, b]")
        .integer("axis", 0)
        .by_name()
    };
    vec![
        special(
            "reshape",
            "The same elements in row-major order with other dims; -1 stands for one that is inferred.",
            |l, a| l.reshape(a),
        )
        .takes("x")
        .takes_as("shape", "[B, H * D]")
        .note("with -1 for at most one dim: `x.reshape([B, -1])`"),
        special("flatten", "All elements in one axis.", |l, a| l.flatten(a)).takes("x"),
        special("permute", "The axes in another order.", |l, a| l.permute(a))
            .takes("x")
            .takes_as("axes", "[0, 2, 1]"),
        special(
            "transpose",
            "The axes in another order, reversed without a list.",
            |l, a| l.transpose(a),
        )
        .takes("x")
        .with("axes", "[0, 2, 1]", DefaultValue::Described)
        .note("or, to reverse all axes, `x.transpose()`"),
        special("swapaxes", "Two axes in each other's place.", |l, a| {
            l.swapaxes(a)
        })
        .takes("x")
        .takes_as("i", "-1")
        .takes_as("j", "-2"),
        special("t", "The last two axes in each other's place.", |l, a| {
            l.t(a)
        })
        .takes("x"),
        special("unsqueeze", "A new axis of one index.", |l, a| {
            l.unsqueeze(a)
        })
        .takes("x")
        .takes_as("axis", "-1"),
        special("squeeze", "Without axes of one index.", |l, a| l.squeeze(a))
            .takes("x")
            .takes_as("axis", "-1"),
        special("broadcast_to", "Repeated to a shape.", |l, a| {
            l.broadcast_to(a)
        })
        .takes("x")
        .takes_as("shape", "[B, D]"),
        special("expand", "Repeated to a shape; -1 keeps a dim.", |l, a| {
            l.expand(a)
        })
        .takes("x")
        .takes_as("shape", "[B, -1]"),
        special(
            "sum_to",
            "Summed back to a shape that broadcasts to x's.",
            |l, a| l.sum_to(a),
        )
        .takes("x")
        .takes_as("shape", "[1, D]"),
        concat(),
        Operation::alias("cat", concat()),
        special(
            "stack",
            "Tensors along a new axis, the first without one.",
            |l, a| l.stack(a),
        )
        .takes_as("parts", "[a, b]")
        .integer("axis", 0)
        .by_name(),
        special("split", "Parts of the given sizes along an axis.", |l, a| {
            l.split(a)
        })
        .takes("x")
        .takes_as("sizes", "[D, D]")
        .integer("axis", 0),
        Operation::new(
            "flip",
            "Backwards along an axis.",
            Lowering::Axis(compose::flip),
        )
        .takes("x")
        .takes_as("axis", "-1"),
        special(
            "roll",
            "Shifted along an axis; what leaves one end enters the other.",
            |l, a| l.roll(a),
        )
        .takes("x")
        .takes_as("shift", "1")
        .takes_as("axis", "-1"),
        special(
            "pad",
            "With so many elements of `value` before and behind each of the last axes.",
            |l, a| l.pad(a),
        )
        .takes("x")
        .takes_as("widths", "[(0, 0), (1, 1)]")
        .number("value", 0.0),
    ]
}

/// What becomes of an index that is outside.
const OUTSIDE: &str = "An index outside of it is an error for an argument, and clamped to the axis where \
                       it is computed.";

fn indexing() -> Vec<Operation> {
    vec![
        Operation::new(
            "take",
            "x's slices at i32 indices along an axis.",
            Lowering::Gather(compose::take),
        )
        .also(OUTSIDE)
        .takes("x")
        .takes("indices")
        .takes("axis"),
        Operation::new(
            "take_along_axis",
            "x's elements at i32 indices along an axis.",
            Lowering::Gather(compose::take_along_axis),
        )
        .also(OUTSIDE)
        .takes("x")
        .takes("indices")
        .takes("axis"),
        Operation::new(
            "scatter_add",
            "x with updates added at i32 indices along an axis.",
            Lowering::Scatter(ops::SCATTER_ADD),
        )
        .also(OUTSIDE)
        .takes("x")
        .takes("axis")
        .takes("indices")
        .takes("updates"),
        Operation::new(
            "index_add",
            "x with slices added at i32 indices along an axis.",
            Lowering::Scatter(ops::INDEX_ADD),
        )
        .also(OUTSIDE)
        .takes("x")
        .takes("axis")
        .takes("indices")
        .takes("updates"),
        special(
            "argsort",
            "The indices (i32) of the elements along an axis from the least to the greatest, or with \
             `descending` the other way round. Equal elements stay in their order, and NaN is the greatest.",
            |l, a| l.argsort(a),
        )
        .takes("x")
        .integer("axis", -1)
        .flag("descending"),
        special(
            "sort",
            "The elements along an axis from the least to the greatest, or with `descending` the other way \
             round, and their indices as [`argsort`] gives them: `let (values, indices) = x.sort();`.",
            |l, a| l.sort(a),
        )
        .takes("x")
        .integer("axis", -1)
        .flag("descending"),
        special(
            "topk",
            "The `k` greatest elements along an axis, the greatest first, and their indices: \
             `let (values, indices) = x.topk(5);`. Of equal elements the first count.",
            |l, a| l.topk(a),
        )
        .takes("x")
        .takes_as("k", "5")
        .integer("axis", -1),
        special(
            "one_hot",
            "1 at each index along a new last axis, 0 elsewhere: a row of zeros for an index that is none \
             of the classes.",
            |l, a| l.one_hot(a),
        )
        .takes("indices")
        .takes_as("classes", "10")
        .dtype(DType::Float)
        .by_name(),
        special(
            "tril",
            "The elements on and below the `k`th diagonal, 0 elsewhere.",
            |l, a| l.tril(a),
        )
        .takes("x")
        .integer("k", 0),
    ]
}

fn creation() -> Vec<Operation> {
    let filled = |name, doc: &str, value| {
        Operation::new(name, doc, Lowering::Filled(value))
            .takes_as("shape", "[B, D]")
            .dtype(DType::Float)
            .by_name()
    };
    vec![
        special("arange", "0, 1, .. below a size.", |l, a| l.arange(a))
            .takes_as("n", "N")
            .dtype(DType::I32)
            .by_name(),
        special("iota", "Each element's index along an axis.", |l, a| {
            l.iota(a)
        })
        .takes_as("shape", "[B, T]")
        .takes_as("axis", "1")
        .dtype(DType::I32)
        .by_name(),
        filled("zeros", "Zeros of a shape.", 0.0),
        filled("ones", "Ones of a shape.", 1.0),
        special("full", "One number in a shape.", |l, a| l.full(a))
            .takes_as("shape", "[B, D]")
            .takes_as("value", "0.5")
            .dtype(DType::Float)
            .by_name(),
        Operation::new("zeros_like", "Zeros of x's type.", Lowering::Like(0.0))
            .takes("x")
            .by_name(),
        Operation::new("ones_like", "Ones of x's type.", Lowering::Like(1.0))
            .takes("x")
            .by_name(),
    ]
}

fn losses() -> Vec<Operation> {
    let mse = || {
        special("mse", "The mean squared difference.", |l, a| l.mse(a))
            .takes("x")
            .takes("y")
            .choice("reduction", REDUCTIONS)
            .by_name()
    };
    vec![
        special(
            "cross_entropy",
            "The cross entropy of logits and class labels (i32). Classes are on axis 1, or on the only one. \
             A label that is neither a class nor `ignore_index` is an error for an argument, and clamped to \
             the classes where it is computed.",
            |l, a| l.cross_entropy(a),
        )
        .takes_as("x", "logits")
        .takes("labels")
        .may_take("axis")
        .choice("reduction", REDUCTIONS)
        .integer("ignore_index", -100)
        .number("label_smoothing", 0.0)
        .by_name(),
        special(
            "nll_loss",
            "Minus the log probability at each label (i32), for labels as [`cross_entropy`] takes them.",
            |l, a| l.nll_loss(a),
        )
        .takes_as("x", "log_probabilities")
        .takes("labels")
        .may_take("axis")
        .choice("reduction", REDUCTIONS)
        .integer("ignore_index", -100)
        .by_name(),
        special(
            "huber_loss",
            "Huber's loss: half the square of differences up to `delta`, linear beyond.",
            |l, a| l.huber(a),
        )
        .takes("x")
        .takes("y")
        .choice("reduction", REDUCTIONS)
        .number("delta", 1.0)
        .by_name(),
        Operation::new(
            "binary_cross_entropy_with_logits",
            "The binary cross entropy of logits and targets between 0 and 1.",
            Lowering::Loss(compose::binary_cross_entropy_with_logits),
        )
        .takes("x")
        .takes("y")
        .choice("reduction", REDUCTIONS)
        .by_name(),
        mse(),
        Operation::alias("mse_loss", mse()),
    ]
}
