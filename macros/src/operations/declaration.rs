//! What a declaration is written with: an operation that takes nothing yet, its parameters one after the
//! other, and the classes that ops of the IR come in.

use super::{DefaultValue, Extent, Lowering, Operation, Page, Parameter, page};
use crate::errors::Checked;
use crate::lower::{Arguments, Lowerer, Val};
use sinew_ir::{DType, Op};

/// What lowers an operation that no class fits.
pub(super) type Lower = fn(&mut Lowerer<'_, '_>, &Arguments<'_>) -> Checked<Val>;

impl Operation {
    /// An operation that takes nothing yet.
    pub(super) fn new(name: &'static str, doc: &str, lowering: Lowering) -> Operation {
        Operation {
            name,
            doc: doc.to_string(),
            parameters: Vec::new(),
            by_name: false,
            sizes: None,
            function_only: false,
            note: None,
            page: Page::default(),
            lowering,
        }
    }

    /// One that is an op of the IR, under its name and with its docs.
    fn for_op(op: Op, lowering: fn(Op) -> Lowering) -> Operation {
        Operation::new(op.name, op.doc, lowering(op))
    }

    pub(super) fn with(
        mut self,
        name: &'static str,
        example: &'static str,
        default: DefaultValue,
    ) -> Operation {
        self.parameters.push(Parameter {
            name,
            example,
            default,
            texts: &[],
            many: false,
            extent: Extent::Any,
        });
        self
    }

    /// With an argument that must be there.
    pub(super) fn takes(self, name: &'static str) -> Operation {
        self.with(name, name, DefaultValue::Required)
    }

    /// With an argument that must be there, and what stands for it in examples.
    pub(super) fn takes_as(self, name: &'static str, example: &'static str) -> Operation {
        self.with(name, example, DefaultValue::Required)
    }

    /// With an argument whose absence the docs describe.
    pub(super) fn may_take(self, name: &'static str) -> Operation {
        self.with(name, name, DefaultValue::Described)
    }

    /// With any number of arguments at the end.
    pub(super) fn takes_many(self, name: &'static str, example: &'static str) -> Operation {
        let mut out = self.with(name, example, DefaultValue::Required);
        if let Some(parameter) = out.parameters.last_mut() {
            parameter.many = true;
        }
        out
    }

    pub(super) fn integer(self, name: &'static str, default: i64) -> Operation {
        self.with(name, name, DefaultValue::Integer(default))
    }

    pub(super) fn number(self, name: &'static str, default: f64) -> Operation {
        self.with(name, name, DefaultValue::Number(default))
    }

    pub(super) fn flag(self, name: &'static str) -> Operation {
        self.with(name, name, DefaultValue::Flag(false))
    }

    /// A flag that is set unless it is told not to be.
    pub(super) fn flag_set(self, name: &'static str) -> Operation {
        self.with(name, name, DefaultValue::Flag(true))
    }

    pub(super) fn choice(self, name: &'static str, texts: &'static [&'static str]) -> Operation {
        self.with(name, name, DefaultValue::Choice(texts))
    }

    /// Whose last parameter also takes one of some texts.
    pub(super) fn or_text(mut self, texts: &'static [&'static str]) -> Operation {
        if let Some(parameter) = self.parameters.last_mut() {
            parameter.texts = texts;
        }
        self
    }

    /// Whose last parameter has the shape of its first.
    pub(super) fn like_first(self) -> Operation {
        self.of_extent(Extent::LikeFirst)
    }

    /// Whose last parameter broadcasts to the shape of its first.
    pub(super) fn within_first(self) -> Operation {
        self.of_extent(Extent::WithinFirst)
    }

    /// Whose last parameter has a number for each row of its first.
    pub(super) fn for_rows(self) -> Operation {
        self.of_extent(Extent::RowsOfFirst)
    }

    fn of_extent(mut self, extent: Extent) -> Operation {
        if let Some(parameter) = self.parameters.last_mut() {
            parameter.extent = extent;
        }
        self
    }

    pub(super) fn dtype(self, default: DType) -> Operation {
        self.with("dtype", "dtype", DefaultValue::DType(default))
    }

    /// Whose examples call it by name.
    pub(super) fn by_name(mut self) -> Operation {
        self.by_name = true;
        self
    }

    /// Which is called by name alone, since its first argument is no tensor.
    pub(super) fn function_only(self) -> Operation {
        Operation {
            function_only: true,
            ..self.by_name()
        }
    }

    /// Which takes sizes by any other name too: such in its examples.
    pub(super) fn sizes(mut self, example: &'static str) -> Operation {
        self.sizes = Some(example);
        self
    }

    /// With words behind the example.
    pub(super) fn note(mut self, note: &str) -> Operation {
        self.note = Some(note.to_string());
        self
    }

    /// With more words behind those: what another operation is for.
    pub(super) fn beside(mut self, note: &str) -> Operation {
        self.note = Some(match self.note {
            Some(before) => format!("{before}; {note}"),
            None => note.to_string(),
        });
        self
    }

    /// With more docs.
    pub(super) fn also(mut self, doc: &str) -> Operation {
        self.doc.push(' ');
        self.doc.push_str(doc);
        self
    }

    /// With the shapes of what it takes and gives.
    pub(super) fn shapes(mut self, shapes: &'static str) -> Operation {
        self.page.shapes = Some(shapes);
        self
    }

    /// With the element types of what it takes and gives.
    pub(super) fn elements(mut self, elements: &'static str) -> Operation {
        self.page.elements = Some(elements);
        self
    }

    /// With its derivative, in words or as a formula.
    pub(super) fn derivative(mut self, derivative: &'static str) -> Operation {
        self.page.derivative = Some(derivative);
        self
    }

    /// With an example that runs: the body of a test, in which the prelude and `array!` are there.
    pub(super) fn example(mut self, code: &str) -> Operation {
        self.page.example = Some(code.trim_matches('\n').to_string());
        self
    }

    /// With an example that shows some elements, and what becomes of each.
    pub(super) fn maps(self, pairs: &[(f64, f64)]) -> Operation {
        let code = page::of_pairs(self.name, pairs);
        self.example(&code)
    }

    /// The same under another name.
    pub(super) fn alias(name: &'static str, original: Operation) -> Operation {
        Operation {
            name,
            doc: format!("As [`fn@{}`].", original.name),
            page: Page {
                example: original
                    .page
                    .example
                    .map(|e| page::renamed(&e, original.name, name)),
                ..original.page
            },
            ..original
        }
    }
}

/// An op of one tensor.
pub(super) fn unary(op: Op) -> Operation {
    Operation::for_op(op, Lowering::Unary).takes("x")
}

/// An op of two tensors that broadcast.
pub(super) fn binary(op: Op) -> Operation {
    Operation::for_op(op, Lowering::Binary)
        .takes("x")
        .takes("y")
        .by_name()
}

/// An op of a tensor over axes, which may be kept.
pub(super) fn reduction(op: Op) -> Operation {
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

/// An op of a tensor along one axis, the last unless another is named.
pub(super) fn along(op: Op) -> Operation {
    Operation::for_op(op, Lowering::Along)
        .takes("x")
        .integer("axis", -1)
}

/// An operation that is defined in the language itself.
pub(super) fn defined(name: &'static str, doc: &str, definition: &'static str) -> Operation {
    Operation::new(name, doc, Lowering::Defined(definition)).takes("x")
}

/// A loss that is defined in the language itself: what becomes of the losses is its first choice, behind the
/// tensors.
pub(super) fn loss(name: &'static str, doc: &str, definition: &'static str) -> Operation {
    Operation::new(name, doc, Lowering::Loss(definition))
        .by_name()
        .shapes(page::OF_PAIRS)
}

/// An operation that a function of its own lowers.
pub(super) fn special(name: &'static str, doc: &str, lower: Lower) -> Operation {
    Operation::new(name, doc, Lowering::Special(lower))
}
