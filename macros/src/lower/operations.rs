//! The operations of the language: one entry each, from name and arguments to the builder.
//!
//! Names and defaults are PyTorch's and NumPy's; where these differ, NumPy's. Whether a plain name in a
//! body means the operation is rustc's decision: the library exports an item of each name, and emitted
//! dead code uses it.

use super::Lowerer;
use super::arguments::Arguments;
use super::build::Operand;
use super::call::Given;
use super::value::Val;
use crate::errors::{Checked, Reported};
use crate::messages;
use quote::ToTokens;
use sinew_ir::lower::{self, Reduce};
use sinew_ir::{Attribute, Axis, DType, Dim, Op, Shape, Value, ops};

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
    entry("cast", &["x", "dtype"], 2, "x.cast(f32)", |l, a| l.cast(a)),
    entry("to", &["x", "dtype"], 2, "x.to(f32)", |l, a| l.cast(a)),
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
        |l, a| l.scatter_add(a),
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

    fn unary_op(&mut self, a: &Arguments<'_>, op: Op) -> Checked<Val> {
        self.with_x(a, |b, x| b.op(op, &[x], Vec::new()))
    }

    /// An operation of one tensor.
    fn with_x(
        &mut self,
        a: &Arguments<'_>,
        make: impl FnOnce(&mut sinew_ir::Builder, Value) -> Result<Value, sinew_ir::OpError>,
    ) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let at = a.name.to_token_stream();
        self.on(a, x, &at, |b| make(b, x))
    }

    /// An operation of one tensor, where `at` is to blame for what is not the tensor's type.
    fn on(
        &mut self,
        a: &Arguments<'_>,
        x: Value,
        at: &impl ToTokens,
        make: impl FnOnce(&mut sinew_ir::Builder) -> Result<Value, sinew_ir::OpError>,
    ) -> Checked<Val> {
        let operand = Operand::of(&a.tokens(0), x);
        let built = self.build(at, a.op.name, &[operand], make)?;
        Ok(Val::Tensor(built))
    }

    fn gelu(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let op = match self.text_arg(a, 1)?.map(|s| s.value()).as_deref() {
            None | Some("none") => ops::GELU,
            Some("tanh") => ops::GELU_TANH,
            Some(_) => {
                let error = messages::wants_choice(&a.tokens(1), &a.name, "\"none\" and \"tanh\"");
                return Err(self.report(error));
            }
        };
        self.unary_op(a, op)
    }

    fn powi(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let exponent = self.axis_arg(a, 1, 0)?;
        let exponent = i32::try_from(exponent).unwrap_or(i32::MAX);
        self.with_x(a, |b, x| lower::powi(b, x, exponent))
    }

    fn clamp(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let dtype = self.builder.type_of(x).dtype;
        let (low, high) = (
            self.tensor_arg(a, 1, Some(dtype)),
            self.tensor_arg(a, 2, Some(dtype)),
        );
        let (low, high) = (low?, high?);
        let operands = [
            Operand::of(&a.tokens(0), x),
            Operand::of(&a.tokens(1), low),
            Operand::of(&a.tokens(2), high),
        ];
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            lower::clamp(b, x, Some(low), Some(high))
        })?;
        Ok(Val::Tensor(built))
    }

    fn select(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let condition = self.tensor_arg(a, 0, Some(DType::Bool))?;
        let (x, y) = (self.value_arg(a, 1), self.value_arg(a, 2));
        let (x, y) = (x?, y?);
        let (vx, vy) = self.two(x.val, y.val, &x.tokens, &y.tokens)?;
        let operands = [
            Operand::of(&a.tokens(0), condition),
            Operand::of(&x.tokens, vx),
            Operand::of(&y.tokens, vy),
        ];
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            lower::select(b, condition, vx, vy)
        })?;
        Ok(Val::Tensor(built))
    }

    fn cast(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let dtype = self.dtype_arg(a, 1, DType::Float)?;
        self.with_x(a, |b, x| b.cast(x, dtype))
    }

    /// The axes of `x` that argument `i` names; all of them without it.
    fn axes(&mut self, a: &Arguments<'_>, i: usize, x: Value) -> Checked<Vec<Axis>> {
        let shape = self.builder.type_of(x).shape.clone();
        match self.axes_arg(a, i)? {
            None => Ok(shape.axes()),
            Some(list) => {
                let operand = Operand::of(&a.tokens(0), x);
                self.build(&a.tokens(i), a.op.name, &[operand], |_| {
                    lower::axes(&shape, &list)
                })
            }
        }
    }

    fn one_axis(&mut self, a: &Arguments<'_>, i: usize, x: Value, default: i64) -> Checked<Axis> {
        let shape = self.builder.type_of(x).shape.clone();
        let axis = self.axis_arg(a, i, default)?;
        let operand = Operand::of(&a.tokens(0), x);
        self.build(&a.tokens(i), a.op.name, &[operand], |_| {
            lower::axis(&shape, axis)
        })
    }

    fn reduction(&mut self, a: &Arguments<'_>, op: Op) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axes = self.axes(a, 1, x)?;
        let keep = self.flag_arg(a, 2, false)?;
        self.on(a, x, &a.name, |b| lower::reduce(b, op, x, &axes, keep))
    }

    fn var(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axes = self.axes(a, 1, x)?;
        let correction = self.number_arg(a, 2, 0.0)?;
        let keep = self.flag_arg(a, 3, false)?;
        self.on(a, x, &a.name, |b| lower::var(b, x, &axes, correction, keep))
    }

    fn position(
        &mut self,
        a: &Arguments<'_>,
        make: fn(
            &mut sinew_ir::Builder,
            Value,
            Option<Axis>,
            bool,
        ) -> Result<Value, sinew_ir::OpError>,
    ) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axis = match a.has(1) {
            true => Some(self.one_axis(a, 1, x, -1)?),
            false => None,
        };
        let keep = self.flag_arg(a, 2, false)?;
        self.on(a, x, &a.name, |b| make(b, x, axis, keep))
    }

    fn along(&mut self, a: &Arguments<'_>, op: Op) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axis = self.one_axis(a, 1, x, -1)?;
        self.on(a, x, &a.name, |b| lower::along(b, op, x, axis))
    }

    fn matmul(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (left, right) = (self.value_arg(a, 0), self.value_arg(a, 1));
        let (left, right) = (left?, right?);
        let x = self.tensor_of(left.val, None, &left.tokens)?;
        let y = self.tensor_of(right.val, None, &right.tokens)?;
        let operands = Operand::pair((left.tokens, x), (right.tokens, y));
        let built = self.build(&a.name, a.op.name, &operands, |b| lower::matmul(b, x, y))?;
        Ok(Val::Tensor(built))
    }

    fn einsum(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let Some(spec) = self.text_arg(a, 0)? else {
            return Err(self.report(messages::wants_text(&a.tokens(0), &a.name, a.op.usage)));
        };
        let mut values = Vec::new();
        let mut operands = Vec::new();
        for i in 1..a.op.parameters.len() {
            if a.has(i) {
                let x = self.tensor_arg(a, i, None)?;
                values.push(x);
                operands.push(Operand::of(&a.tokens(i), x));
            }
        }
        let text = spec.value();
        let built = self.build(&spec, a.op.name, &operands, |b| {
            lower::einsum(b, &text, &values)
        })?;
        Ok(Val::Tensor(built))
    }

    fn reshape(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let (sequence, dims) = self.shape_arg(a, 1)?;
        let own = self.builder.type_of(x).shape.sequence.clone();
        if sequence != own {
            let shape = self.builder.type_of(x).shape.clone();
            let error = sinew_ir::OpError::Sequence(shape);
            let operand = Operand::of(&a.tokens(0), x);
            return Err(self.refused(&a.tokens(1), a.op.name, &error, &[operand]));
        }
        self.on(a, x, &a.tokens(1), |b| lower::reshape(b, x, &dims))
    }

    fn flatten(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        self.with_x(a, |b, x| lower::reshape(b, x, &[None]))
    }

    fn permute(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let order = self.axes_arg(a, 1)?.unwrap_or_default();
        self.on(a, x, &a.tokens(1), |b| lower::permute(b, x, &order))
    }

    fn transpose(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        if a.has(1) {
            return self.permute(a);
        }
        let x = self.tensor_arg(a, 0, None)?;
        let rank = i64::try_from(self.builder.type_of(x).shape.len()).unwrap_or(0);
        let order: Vec<i64> = (1..=rank).map(|i| -i).collect();
        self.on(a, x, &a.name, |b| lower::permute(b, x, &order))
    }

    fn swapaxes(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let (i, j) = (self.axis_arg(a, 1, 0)?, self.axis_arg(a, 2, 0)?);
        self.on(a, x, &a.name, |b| lower::swapaxes(b, x, i, j))
    }

    fn t(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        self.with_x(a, |b, x| lower::swapaxes(b, x, -1, -2))
    }

    fn unsqueeze(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let at = self.axis_arg(a, 1, 0)?;
        self.on(a, x, &a.tokens(1), |b| lower::unsqueeze(b, x, at))
    }

    fn squeeze(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axes = self.axes(a, 1, x)?;
        self.on(a, x, &a.tokens(1), |b| lower::squeeze(b, x, &axes))
    }

    fn broadcast_to(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let shape = self.full_shape_arg(a, 1)?;
        self.on(a, x, &a.tokens(1), |b| lower::broadcast_to(b, x, &shape))
    }

    fn expand(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let (_, dims) = self.shape_arg(a, 1)?;
        self.on(a, x, &a.tokens(1), |b| lower::expand(b, x, &dims))
    }

    fn sum_to(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let to = self.full_shape_arg(a, 1)?;
        let from = self.builder.type_of(x).shape.clone();
        let operand = Operand::of(&a.tokens(0), x);
        let fits = lower::broadcast_shapes(&to, &from).is_ok_and(|s| s == from);
        if !fits {
            let error = sinew_ir::OpError::ShapesDiffer {
                left: from,
                right: to,
            };
            return Err(self.refused(&a.tokens(1), a.op.name, &error, &[operand]));
        }
        let missing = from.len() - to.len();
        let mut axes: Vec<Axis> = match (&from.sequence, &to.sequence) {
            (Some(_), None) => vec![Axis::Sequence],
            _ => Vec::new(),
        };
        for (i, d) in from.dims.iter().enumerate() {
            let kept = i.checked_sub(missing).and_then(|j| to.dims.get(j)) == Some(d);
            if !kept {
                axes.push(Axis::At(i));
            }
        }
        self.on(a, x, &a.tokens(1), |b| {
            let sum = b.sum(x, &axes)?;
            b.reshape(sum, &to)
        })
    }

    fn concat(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let parts = self.tensors_arg(a, 0)?;
        let values: Vec<Value> = parts.iter().map(|(v, _)| *v).collect();
        let axis = self.one_axis(a, 1, values[0], 0)?;
        let operands: Vec<Operand> = parts.iter().map(|(v, t)| Operand::of(t, *v)).collect();
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            lower::concat(b, &values, axis)
        })?;
        Ok(Val::Tensor(built))
    }

    fn stack(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let parts = self.tensors_arg(a, 0)?;
        let values: Vec<Value> = parts.iter().map(|(v, _)| *v).collect();
        let at = self.axis_arg(a, 1, 0)?;
        let operands: Vec<Operand> = parts.iter().map(|(v, t)| Operand::of(t, *v)).collect();
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            lower::stack(b, &values, at)
        })?;
        Ok(Val::Tensor(built))
    }

    fn split(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let sizes = self.full_shape_arg(a, 1)?;
        let axis = self.one_axis(a, 2, x, 0)?;
        let operand = Operand::of(&a.tokens(0), x);
        let parts = self.build(&a.tokens(1), a.op.name, &[operand], |b| {
            lower::split(b, x, &sizes.dims, axis)
        })?;
        Ok(Val::Tuple(parts.into_iter().map(Val::Tensor).collect()))
    }

    fn on_axis(
        &mut self,
        a: &Arguments<'_>,
        make: fn(&mut sinew_ir::Builder, Value, Axis) -> Result<Value, sinew_ir::OpError>,
    ) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axis = self.one_axis(a, 1, x, -1)?;
        self.on(a, x, &a.name, |b| make(b, x, axis))
    }

    fn indexed(
        &mut self,
        a: &Arguments<'_>,
        make: fn(&mut sinew_ir::Builder, Value, Value, Axis) -> Result<Value, sinew_ir::OpError>,
    ) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let indices = self.tensor_arg(a, 1, Some(DType::I32))?;
        let axis = self.one_axis(a, 2, x, -1)?;
        let operands = [
            Operand::of(&a.tokens(0), x),
            Operand::of(&a.tokens(1), indices),
        ];
        let built = self.build(&a.name, a.op.name, &operands, |b| make(b, x, indices, axis))?;
        Ok(Val::Tensor(built))
    }

    fn scatter_add(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let x = self.tensor_arg(a, 0, None)?;
        let axis = self.one_axis(a, 1, x, -1)?;
        let indices = self.tensor_arg(a, 2, Some(DType::I32))?;
        let dtype = self.builder.type_of(x).dtype;
        let updates = self.tensor_arg(a, 3, Some(dtype))?;
        let operands = [
            Operand::of(&a.tokens(0), x),
            Operand::of(&a.tokens(2), indices),
            Operand::of(&a.tokens(3), updates),
        ];
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            b.op(
                ops::SCATTER_ADD,
                &[x, indices, updates],
                vec![Attribute::Axes(vec![axis])],
            )
        })?;
        Ok(Val::Tensor(built))
    }

    /// The dim that argument `i` is.
    fn dim_arg(&mut self, a: &Arguments<'_>, i: usize) -> Checked<Dim> {
        let e: syn::Expr = match syn::parse2(a.tokens(i)) {
            Ok(e) => e,
            Err(_) => return Err(Reported),
        };
        self.dim_expr(&e)
    }

    fn one_hot(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let indices = self.tensor_arg(a, 0, Some(DType::I32))?;
        let classes = self.dim_arg(a, 1)?;
        let dtype = self.dtype_arg(a, 2, DType::Float)?;
        self.on(a, indices, &a.name, |b| {
            lower::one_hot(b, indices, classes, dtype)
        })
    }

    fn tril(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let k = self.axis_arg(a, 1, 0)?;
        let k = i32::try_from(k).unwrap_or(i32::MAX);
        self.with_x(a, |b, x| lower::tril(b, x, k))
    }

    fn arange(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let n = self.dim_arg(a, 0)?;
        let dtype = self.dtype_arg(a, 1, DType::I32)?;
        let shape = Shape::new(vec![n]);
        let built = self.build(&a.name, a.op.name, &[], |b| {
            b.iota(dtype, shape, Axis::At(0))
        })?;
        Ok(Val::Tensor(built))
    }

    fn iota(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let shape = self.full_shape_arg(a, 0)?;
        let index = self.axis_arg(a, 1, -1)?;
        let axis = self.build(&a.tokens(1), a.op.name, &[], |_| lower::axis(&shape, index))?;
        let dtype = self.dtype_arg(a, 2, DType::I32)?;
        let built = self.build(&a.name, a.op.name, &[], |b| b.iota(dtype, shape, axis))?;
        Ok(Val::Tensor(built))
    }

    fn filled(&mut self, a: &Arguments<'_>, value: f64, dtype: usize) -> Checked<Val> {
        let shape = self.full_shape_arg(a, 0)?;
        let dtype = self.dtype_arg(a, dtype, DType::Float)?;
        let built = self.build(&a.name, a.op.name, &[], |b| b.constant(value, dtype, shape))?;
        Ok(Val::Tensor(built))
    }

    fn like(&mut self, a: &Arguments<'_>, value: f64) -> Checked<Val> {
        self.with_x(a, |b, x| b.like(value, x))
    }

    /// What becomes of the losses of rows.
    fn reduction_arg(&mut self, a: &Arguments<'_>, i: usize) -> Checked<Reduce> {
        match self.text_arg(a, i)?.map(|s| s.value()).as_deref() {
            None | Some("mean") => Ok(Reduce::Mean),
            Some("sum") => Ok(Reduce::Sum),
            Some("none") => Ok(Reduce::None),
            Some(_) => {
                let error =
                    messages::wants_choice(&a.tokens(i), &a.name, "\"mean\", \"sum\" and \"none\"");
                Err(self.report(error))
            }
        }
    }

    /// The axis of the classes: PyTorch's, which is the second; the last of a sequence.
    fn class_axis(&mut self, a: &Arguments<'_>, x: Value) -> Checked<Axis> {
        let shape = &self.builder.type_of(x).shape;
        let default = match (&shape.sequence, shape.len()) {
            (None, 2..) => 1,
            _ => -1,
        };
        self.one_axis(a, 2, x, default)
    }

    fn labels(&mut self, a: &Arguments<'_>) -> Checked<(Value, Value, [Operand; 2])> {
        let x = self.tensor_arg(a, 0, None)?;
        let labels = self.tensor_arg(a, 1, Some(DType::I32))?;
        let operands = [
            Operand::of(&a.tokens(0), x),
            Operand::of(&a.tokens(1), labels),
        ];
        Ok((x, labels, operands))
    }

    fn cross_entropy(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (x, labels, operands) = self.labels(a)?;
        let axis = self.class_axis(a, x)?;
        let reduce = self.reduction_arg(a, 3)?;
        let ignore = self.axis_arg(a, 4, -100)?;
        let ignore = i32::try_from(ignore).unwrap_or(-100);
        let smoothing = self.number_arg(a, 5, 0.0)?;
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            lower::cross_entropy(b, x, labels, axis, ignore, smoothing, reduce)
        })?;
        Ok(Val::Tensor(built))
    }

    fn nll_loss(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (x, labels, operands) = self.labels(a)?;
        let axis = self.class_axis(a, x)?;
        let reduce = self.reduction_arg(a, 3)?;
        let ignore = self.axis_arg(a, 4, -100)?;
        let ignore = i32::try_from(ignore).unwrap_or(-100);
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            lower::nll_loss(b, x, labels, axis, ignore, reduce)
        })?;
        Ok(Val::Tensor(built))
    }

    fn mse(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let (left, right) = (self.value_arg(a, 0), self.value_arg(a, 1));
        let (left, right) = (left?, right?);
        let (x, y) = self.two(left.val, right.val, &left.tokens, &right.tokens)?;
        let reduce = self.reduction_arg(a, 2)?;
        let operands = Operand::pair((left.tokens, x), (right.tokens, y));
        let built = self.build(&a.name, a.op.name, &operands, |b| match reduce {
            Reduce::Mean => b.op(ops::MSE, &[x, y], Vec::new()),
            Reduce::Sum | Reduce::None => {
                let distance = b.sub(x, y)?;
                let square = b.square(distance)?;
                lower::reduced(b, square, reduce)
            }
        })?;
        Ok(Val::Tensor(built))
    }
}
