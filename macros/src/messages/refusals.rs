//! What the builder refuses, in the words of the language.

use super::{dim, message, source, tensor};
use crate::check::relation;
use quote::ToTokens;
use sinew_ir::{Axis, DType, Dim, OpError, PullbackError, PullbackProblem, Shape};
use syn::Error;

/// What the builder says of an operation and its operands.
pub fn refused(
    at: &impl ToTokens,
    name: &str,
    e: &OpError,
    operands: &[(String, String)],
) -> super::Message {
    let facts: Vec<(&str, String)> = operands
        .iter()
        .map(|(n, t)| (n.as_str(), t.clone()))
        .collect();
    let (wrong, help): (String, String) = match e {
        OpError::Arity { expected, found } => (
            format!("takes {}, and has {found}", super::count(*expected, "operand")),
            "give as many as it takes".into(),
        ),
        OpError::DType { operand, expected, found } => (
            format!("needs {expected}, and this is {}", word(*found)),
            dtype_help(*operand, expected, *found, name, operands),
        ),
        OpError::Number { value, dtype } => (
            format!("`{value}` is no {dtype}"),
            super::numbers::number_help(*value, *dtype, "x"),
        ),
        OpError::Probability { value } => (
            format!("`{value}` is no probability"),
            "probabilities are from 0 to 1".into(),
        ),
        OpError::Interval { low, high } => (
            format!("there is no number from `{low}` to below `{high}`"),
            "write the lower end first; the upper one is not drawn".into(),
        ),
        OpError::NotOne { dim, shape } => (
            format!("the axis of `{dim}` in `{}` cannot go: it is not 1", list(shape)),
            "`x.sum(axis)` or an index (`x[(.., 0)]`) leaves an axis out".into(),
        ),
        OpError::DTypesDiffer { left, right } => (
            format!("element types differ: {} and {}", word(*left), word(*right)),
            mixed_help(*left, *right, operands),
        ),
        OpError::ShapesDiffer { left, right } => (
            match differing_axis(left, right) {
                None if left.sequence.is_none() && right.sequence.is_none() => {
                    format!("`{}` and `{}` are two shapes", list(left), list(right))
                }
                _ => format!("`{}` and `{}` do not broadcast", list(left), list(right)),
            },
            broadcast_help(left, right, operands),
        ),
        OpError::InnerDims { left, right } => {
            (format!("inner dims differ: {}", inner(left, right, operands)), "the last axis of the left side must be the one before the last of the right side; `y.t()` swaps the last two".into())
        }
        OpError::Axis { axis, shape } => (
            format!("an axis is there twice, or not in `{}`", list(shape)),
            axis_help(*axis, shape),
        ),
        OpError::NoAxis { index, shape } => (
            format!("there is no axis {index} in `{}`", list(shape)),
            match shape.len() {
                0 => "a scalar has no axes".into(),
                1 => "its only axis is 0, or from the right -1".into(),
                n => format!("axes are 0 to {}, or from the right -1 to -{n}", n - 1),
            },
        ),
        OpError::Einsum(e) => super::patterns::einsum(e, operands),
        OpError::Pattern(e) => super::patterns::pattern(e, operands),
        OpError::Elements { from, to } => (
            elements(from, to),
            elements_help(from, to),
        ),
        OpError::Sequence(shape) => (
            format!("the sequence in `{}` stands for any number of dims, and would not stay in front", list(shape)),
            "count axes from the right (`-1`), or name the dims instead of `[S]`".into(),
        ),
        OpError::Range { start, stop, extent, .. } => (
            format!("`{start}..{stop}` does not lie in an axis of `{extent}`"),
            match extent.parse::<i64>() {
                Ok(n) => format!("its indices are 0 to {}; negative ones count from the end", n - 1),
                Err(_) => format!("it must lie there for all values of `{extent}`"),
            },
        ),
        OpError::Count { count, extent } => (
            format!("`{count}` elements are asked for of an axis of `{extent}`"),
            "ask for at most as many as the axis has".into(),
        ),
        OpError::Attribute(what) => (format!("`{what}` is missing or of the wrong kind"), "give it as the operation's page shows".into()),
        OpError::NotDifferentiable(why) => (format!("has no derivative: {why}"), "`stop_gradient(x)` keeps it out of the derivative".into()),
        OpError::Overflow => ("a size does not fit 64 bits, or is too large multiplied out".into(), "make it smaller, or work on fewer axes at once: a product of sums has a term for each choice of theirs".into()),
    };
    message(at, name, &wrong, &facts, &help)
}

/// Which axis it is that a list names twice.
fn axis_help(axis: Axis, shape: &Shape) -> String {
    match axis {
        Axis::At(i) => format!(
            "name each axis once: {i} and -{} are the same",
            shape.len().saturating_sub(i)
        ),
        Axis::Sequence => "name each axis once".to_string(),
    }
}

/// How an operand comes to elements of the type that is needed.
fn dtype_help(
    operand: usize,
    expected: &str,
    found: DType,
    name: &str,
    operands: &[(String, String)],
) -> String {
    let Some((written, _)) = operands.get(operand) else {
        return "give another `dtype`".to_string();
    };
    let written = receiver(self::written(written));
    // Arguments in each other's place: an index first, as in other libraries.
    let first = operands
        .first()
        .filter(|(_, t)| operand == 1 && t.starts_with("Tensor<i32"));
    match (expected, found) {
        ("bool", found) if found.is_float() => format!("compare it: `{written} != 0.0`"),
        ("bool", _) => format!("compare it: `{written} != 0`"),
        ("i32 or u32", _) if found.is_float() && name.starts_with(char::is_alphabetic) => {
            format!(
                "indices are integers: declare them so (`Tensor<i32, ..>`), or `{written}.cast(i32)`"
            )
        }
        ("i32 or u32", _) if found.is_float() => {
            format!("bits are those of integers: `{written}.cast(i32)` truncates")
        }
        ("i32", _) => match first {
            Some((first, _)) => {
                format!("`{first}` is the i32 one: `{written}.{name}({first}, ..)`")
            }
            None => {
                format!(
                    "indices are i32: declare it so (`Tensor<i32, ..>`), or `{written}.cast(i32)`"
                )
            }
        },
        (_, DType::Bool) => format!("`{written}.cast(float)` makes 0 and 1 of it"),
        _ => format!("make a float of it: `{written}.cast(float)`"),
    }
}

/// Which of two operands to cast, whose element types differ: to the working float where one is of it, from
/// integers to floats, and either way between floats of their own widths.
fn mixed_help(left: DType, right: DType, operands: &[(String, String)]) -> String {
    let nothing = "nothing is converted silently";
    let names: Vec<&str> = operands.iter().map(|(fact, _)| written(fact)).collect();
    let (first, last) = match names[..] {
        [.., first, last] => (receiver(first), receiver(last)),
        _ => ("x".to_string(), "y".to_string()),
    };
    if left.is_integer() && right.is_integer() {
        return format!("`{last}.cast({left})` keeps its bits; {nothing}");
    }
    let to_left = match (left, right) {
        (DType::Float, _) => true,
        (_, DType::Float) => false,
        (a, b) if a.is_float() && b.is_float() => {
            return format!(
                "cast one of them: `{first}.cast({right})` or `{last}.cast({left})`; {nothing}"
            );
        }
        (a, _) => a.is_float(),
    };
    match to_left {
        true => format!("cast it: `{last}.cast({left})`; {nothing}"),
        false => format!("cast it: `{first}.cast({right})`; {nothing}"),
    }
}

/// An element type as it is spoken of.
pub(super) fn word(dtype: DType) -> String {
    match dtype {
        DType::Float => "the working float".to_string(),
        other => other.to_string(),
    }
}

fn list(shape: &Shape) -> String {
    format!("({})", super::shape(shape))
}

fn inner(left: &str, right: &str, operands: &[(String, String)]) -> String {
    match operands {
        [(a, _), (b, _), ..] => format!(
            "`{left}` (from `{}`) and `{right}` (from `{}`)",
            written(a),
            written(b)
        ),
        _ => format!("`{left}` and `{right}`"),
    }
}

/// How many elements two shapes have.
fn elements(from: &Shape, to: &Shape) -> String {
    let wrong = format!(
        "`{}` and `{}` have different numbers of elements",
        list(from),
        list(to)
    );
    match (relation::product(&from.dims), relation::product(&to.dims)) {
        (Some(from), Some(to)) => format!("{wrong}: {} and {}", dim(&from), dim(&to)),
        _ => wrong,
    }
}

/// What helps where no relation between sizes would.
const OTHER_SHAPE: &str = "change the shape, with `-1` for a dim that is inferred";

/// What would make two numbers of elements equal: nothing where they are numbers, once the symbols of both
/// are left out.
fn elements_help(from: &Shape, to: &Shape) -> String {
    let products = (relation::product(&from.dims), relation::product(&to.dims));
    let (Some(from), Some(to)) = products else {
        return OTHER_SHAPE.to_string();
    };
    let (from, to) = relation::without_common(from, to, |_| true);
    let (left, right) = (dim(&from), dim(&to));
    match number(&from) && number(&to) {
        true => format!("{left} and {right} differ for all sizes: {OTHER_SHAPE}"),
        false => {
            format!("if they are the same, declare it: `#[model(where({left} == {right}))]`")
        }
    }
}

fn number(dim: &Dim) -> bool {
    dim.as_constant().is_some()
}

fn broadcast_help(left: &Shape, right: &Shape, operands: &[(String, String)]) -> String {
    match differing_axis(left, right) {
        Some((i, a, b)) => match reduced_help(left, right, operands) {
            Some(help) => help,
            None => format!(
                "shapes are aligned right: axis -{i} has `{}` and `{}`, which must be equal or a literal 1",
                dim(a),
                dim(b)
            ),
        },
        None if left.sequence.is_none() && right.sequence.is_none() => {
            same_shape_help(left, right, operands)
        }
        None => {
            "a sequence broadcasts against itself only: give both the same leading dims".to_string()
        }
    }
}

/// Of shapes of which one is the other without an axis, as a reduction leaves it.
fn reduced_help(left: &Shape, right: &Shape, operands: &[(String, String)]) -> Option<String> {
    let [(left_fact, _), (right_fact, _)] = operands else {
        return None;
    };
    let of_left = lacking_axis(left, right).map(|axis| (axis, left_fact, right_fact));
    let of_right = || lacking_axis(right, left).map(|axis| (axis, right_fact, left_fact));
    let (axis, short, long) = of_left.or_else(of_right)?;
    let (short, long) = (written(short), written(long));
    Some(format!(
        "`{short}` lacks axis {axis} of `{long}`: write `{short}.unsqueeze({axis})`; a reduction keeps \
         its axis with `keepdims = true`"
    ))
}

/// The axis without which the longer shape is the shorter one; the last is -1.
fn lacking_axis(shorter: &Shape, longer: &Shape) -> Option<i64> {
    let count = longer.dims.len();
    if shorter.sequence != longer.sequence || shorter.dims.len() + 1 != count {
        return None;
    }
    let without = |axis: usize| {
        let (front, back) = longer.dims.split_at(axis);
        front.iter().chain(&back[1..]).eq(&shorter.dims)
    };
    let axis = (0..count).rev().find(|axis| without(*axis))?;
    match axis + 1 == count {
        true => Some(-1),
        // Behind a sequence axes are not counted from the front.
        false if longer.sequence.is_some() => None,
        false => i64::try_from(axis).ok(),
    }
}

/// The first axis from the right that does not broadcast, counted so, and its dims.
fn differing_axis<'s>(left: &'s Shape, right: &'s Shape) -> Option<(usize, &'s Dim, &'s Dim)> {
    let one = |d: &Dim| d.as_constant() == Some(1);
    let pairs = left.dims.iter().rev().zip(right.dims.iter().rev());
    let mut pairs = (1..).zip(pairs).map(|(i, (a, b))| (i, a, b));
    pairs.find(|(_, a, b)| a != b && !one(a) && !one(b))
}

/// Of shapes that would broadcast, where they must be the same.
fn same_shape_help(left: &Shape, right: &Shape, operands: &[(String, String)]) -> String {
    let missing = |longer: &Shape, shorter: &Shape| match longer.dims.split_last() {
        Some((last, rest)) => last.as_constant() == Some(1) && rest == shorter.dims,
        None => false,
    };
    let lacks = match (missing(left, right), missing(right, left)) {
        (true, _) => operands.get(1).map(|o| (o, left)),
        (_, true) => operands.first().map(|o| (o, right)),
        (false, false) => None,
    };
    match lacks {
        Some(((fact, _), shape)) => {
            let name = written(fact);
            let ty = super::shape(shape);
            format!(
                "every element would meet all of the other: write `{name}.unsqueeze(-1)`, or declare \
                 `{name}: Tensor<{ty}>`"
            )
        }
        None => "both have the same shape here: `unsqueeze`, `expand` or `reshape` one".to_string(),
    }
}

/// An operand's source out of a fact, which may start with its side.
fn written(fact: &str) -> &str {
    let without = fact.strip_prefix("left ").or(fact.strip_prefix("right "));
    without.unwrap_or(fact)
}

/// An operand's source as what a method is called on: an operator would bind less.
fn receiver(written: &str) -> String {
    match syn::parse_str::<syn::Expr>(written) {
        Ok(syn::Expr::Binary(_) | syn::Expr::Unary(_)) => format!("({written})"),
        _ => written.to_string(),
    }
}

/// A tensor operand as a fact: its side, its source, its type.
pub fn operand(side: &str, at: &impl ToTokens, ty: &sinew_ir::Type) -> (String, String) {
    let name = match side.is_empty() {
        true => source(at),
        false => format!("{side} {}", source(at)),
    };
    (name, tensor(ty))
}

pub fn no_derivative(span: proc_macro2::Span, e: &PullbackError) -> Error {
    let op = &e.op;
    if let PullbackProblem::Op(OpError::Overflow) = *e.error {
        return super::error_at(
            span,
            op,
            &format!(
                "the derivative of `{op}` has a size that does not fit 64 bits, or is too large multiplied out"
            ),
            "make it smaller, or reduce fewer axes at once",
        );
    }
    let why = &e.error;
    super::error_at(
        span,
        op,
        &format!("`{op}` {why}"),
        "`stop_gradient(x)` keeps it out of the derivative; a function that is never differentiated says \
         `#[model(no_derivative)]`",
    )
}
