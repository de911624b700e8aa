//! The page of an operation in rustdoc: how it is written, the shapes and element types of what it takes and
//! gives, what its texts may be, its derivative, and an example that runs.
//!
//! What a class says holds for all of its operations. Element types of classes are tried, not told: those that
//! the builder takes are the ones.

use super::{DefaultValue, Lowering, Operation};
use sinew_ir::{Axis, Builder, DType, Dim, OpError, Pullback, Shape, Type, Value, compose};
use std::fmt::Write;

/// The shapes of what reduces axes.
pub const OVER_AXES: &str =
    "`[..] -> [..]` without the axes, or with ones in their place (`keepdims = true`)";

/// The shapes of a loss of pairs of elements.
pub const OF_PAIRS: &str =
    "`[..], [..] -> []`, both of one shape, which is the result's with `reduction = \"none\"`";

/// An example of elements and of what becomes of each: compared exactly where all are short in binary.
pub fn of_pairs(name: &str, pairs: &[(f64, f64)]) -> String {
    let list = |numbers: Vec<f64>| {
        let texts: Vec<String> = numbers.iter().map(|n| format!("{n:?}")).collect();
        texts.join(", ")
    };
    let from = list(pairs.iter().map(|(x, _)| *x).collect());
    let to = list(pairs.iter().map(|(_, y)| *y).collect());
    let exact = pairs.iter().all(|(_, y)| (y * 8.0).fract() == 0.0);
    let check = match exact {
        true => format!("assert_eq!(y, array![{to}]);"),
        false => format!("assert!((y - array![{to}]).iter().all(|d| d.abs() < 1e-6));"),
    };
    format!(
        "#[model]\nfn of_each<N>(x: Tensor<N>) -> Tensor<N> {{\n    x.{name}()\n}}\n\nlet y = of_each([{from}])?;\n{check}"
    )
}

/// An example that calls an operation by its other name.
pub fn renamed(example: &str, name: &str, other: &str) -> String {
    let call = |name: &str| format!("{name}(");
    let import = |name: &str| format!("::{name};");
    let example = example.replace(&call(name), &call(other));
    example.replace(&import(name), &import(other))
}

/// Code of several lines as one.
fn one_line(code: &str) -> String {
    let words: Vec<&str> = code.split_whitespace().collect();
    words.join(" ")
}

impl Operation {
    /// Its docs.
    pub fn docs(&self) -> String {
        let mut out = format!("{}\n\n| | |\n|---|---|\n", self.doc);
        let mut row = |what: &str, text: &str| {
            // A `|` would end the cell.
            let text = text.replace('|', "\\|");
            // Writing to a string cannot fail.
            let _ = writeln!(out, "| {what} | {text} |");
        };
        row("written", &self.written());
        if let Some(definition) = self.lowering.definition() {
            row("definition", &format!("`{}`", one_line(definition)));
        }
        row("shapes", self.told_shapes().unwrap_or_default());
        row("element types", &self.told_elements().unwrap_or_default());
        if let Some(choices) = self.choices() {
            row("choices", &choices);
        }
        row("derivative", self.told_derivative().unwrap_or_default());
        if let Some(code) = &self.page.example {
            let _ = write!(
                out,
                "\n```\n# use sinew::{{ndarray::array, prelude::*}};\n{code}\n# Ok::<(), sinew::Error>(())\n```"
            );
        }
        out
    }

    /// As a function, and as a method where it is one.
    fn written(&self) -> String {
        let mut out = self.call(false);
        if !self.function_only {
            out = format!("{out} or {}", self.call(true));
        }
        match &self.note {
            Some(note) => format!("{out}, {note}"),
            None => out,
        }
    }

    fn told_shapes(&self) -> Option<&'static str> {
        self.page.shapes.or(match self.lowering {
            Lowering::Unary(_)
            | Lowering::Along(_)
            | Lowering::Number(_)
            | Lowering::Axis(_)
            | Lowering::Like(_) => Some("`[..] -> [..]`"),
            Lowering::Binary(_) => Some("`[..], [..] -> [..]`, which broadcast"),
            Lowering::Reduction(_) | Lowering::Position(_) => Some(OVER_AXES),
            Lowering::Loss(_) => Some(OF_PAIRS),
            Lowering::Filled(_) => Some("`-> shape`"),
            Lowering::Defined(_) => Some(match self.required() {
                1 => "`[..] -> [..]`",
                2 => "`[..], [..] -> [..]`, which broadcast",
                _ => "`[..], [..], [..] -> [..]`, which broadcast",
            }),
            Lowering::Scatter(_) | Lowering::Gather(_) | Lowering::Special(_) => None,
        })
    }

    fn told_elements(&self) -> Option<String> {
        match self.page.elements {
            Some(told) => Some(told.to_string()),
            None if self.lowering.definition().is_some() => Some(match self.required() {
                1 => "floats".to_string(),
                _ => "floats, all of one type".to_string(),
            }),
            None => self.tried(),
        }
    }

    fn told_derivative(&self) -> Option<&'static str> {
        if let Some(told) = self.page.derivative {
            return Some(told);
        }
        match self.lowering.op()?.pullback {
            Pullback::NotDifferentiable(why) => Some(why),
            Pullback::Zero => Some("0"),
            Pullback::Rule(_) | Pullback::Derived => None,
        }
    }

    /// The texts that parameters may be.
    fn choices(&self) -> Option<String> {
        let texts = self.parameters.iter().filter_map(|p| {
            let texts = match p.default {
                DefaultValue::Choice(texts) => texts,
                DefaultValue::Required
                | DefaultValue::Described
                | DefaultValue::Integer(_)
                | DefaultValue::Number(_)
                | DefaultValue::Flag(_)
                | DefaultValue::DType(_) => p.texts,
            };
            let all: Vec<String> = texts.iter().map(|t| format!("`\"{t}\"`")).collect();
            (!all.is_empty()).then(|| format!("`{}`: {}", p.name, all.join(", ")))
        });
        let texts: Vec<String> = texts.collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }

    /// The element types that an operation of a class takes, as it says when it is built.
    fn tried(&self) -> Option<String> {
        let every = [
            DType::Float,
            DType::F32,
            DType::F64,
            DType::F16,
            DType::Bf16,
            DType::I32,
            DType::U32,
            DType::Bool,
        ];
        let mut pairs = Vec::new();
        for dtype in every {
            if let Some(result) = self.result_of(dtype)? {
                pairs.push((dtype, result));
            }
        }
        let (takes, gives): (Vec<DType>, Vec<DType>) = pairs.iter().copied().unzip();
        let word = match takes.as_slice() {
            [.., DType::Bf16] => "floats",
            [DType::Float, .., DType::U32] => "numbers",
            [DType::Float, .., DType::Bool] => "any",
            [DType::Bool] => "bools",
            _ => return None,
        };
        let both = match self.lowering {
            Lowering::Binary(_) => ", both of one type",
            _ => "",
        };
        match gives.first() {
            _ if takes == gives => Some(format!("{word}{both}")),
            Some(first) if gives.iter().all(|g| g == first) => {
                Some(format!("{word}{both}; the result is {first}"))
            }
            _ => None,
        }
    }

    /// The element type of what it gives for elements of `dtype`, if it takes those; `None` where no class says.
    fn result_of(&self, dtype: DType) -> Option<Option<DType>> {
        let mut builder = Builder::default();
        let b = &mut builder;
        let row = Shape::new(vec![Dim::constant(2)]);
        let x = b.value(Type::new(dtype, row.clone()));
        let built: Result<Value, OpError> = match self.lowering {
            Lowering::Unary(op) => b.op(op, &[x], Vec::new()),
            Lowering::Binary(op) => b.op(op, &[x, x], Vec::new()),
            Lowering::Reduction(op) => compose::reduce(b, op, x, &[Axis::At(0)], false),
            Lowering::Along(op) => compose::along(b, op, x, Axis::At(0)),
            Lowering::Position(make) => make(b, x, Some(Axis::At(0)), false),
            Lowering::Number(make) => make(b, x, &0.5.into()),
            Lowering::Axis(make) => make(b, x, Axis::At(0)),
            Lowering::Like(value) => b.like(value, x),
            Lowering::Filled(value) => b.constant(value, dtype, row),
            Lowering::Scatter(_)
            | Lowering::Gather(_)
            | Lowering::Defined(_)
            | Lowering::Loss(_)
            | Lowering::Special(_) => return None,
        };
        Some(built.ok().map(|v| builder.type_of(v).dtype))
    }
}

#[cfg(test)]
mod tests {
    use crate::operations::TABLE;

    /// A new operation comes with a whole page.
    #[test]
    fn every_page_is_whole() {
        let mut lacks = Vec::new();
        for o in TABLE.iter() {
            let example = o.page.example.as_deref().unwrap_or_default();
            let parts = [
                ("shapes", o.told_shapes().is_some_and(|s| !s.is_empty())),
                (
                    "element types",
                    o.told_elements().is_some_and(|e| !e.is_empty()),
                ),
                (
                    "derivative",
                    o.told_derivative().is_some_and(|d| !d.is_empty()),
                ),
                ("an example", example.contains(&format!("{}(", o.name))),
                ("values that it checks", example.contains("assert")),
            ];
            lacks.extend(
                parts
                    .iter()
                    .filter(|(_, there)| !there)
                    .map(|(what, _)| format!("{}: {what}", o.name)),
            );
        }
        assert!(lacks.is_empty(), "pages lack\n{}", lacks.join("\n"));
    }

    #[test]
    fn element_types_are_those_that_are_taken() {
        let of = |name: &str| {
            crate::operations::find(name).and_then(super::super::Operation::told_elements)
        };
        assert_eq!(of("exp").as_deref(), Some("floats"));
        assert_eq!(of("abs").as_deref(), Some("numbers"));
        assert_eq!(of("maximum").as_deref(), Some("numbers, both of one type"));
        assert_eq!(of("argmax").as_deref(), Some("numbers; the result is i32"));
        assert_eq!(of("zeros").as_deref(), Some("any"));
    }
}
