//! The operations of the language, each declared once: its name and docs, its parameters with their
//! defaults, how it is lowered, and with that whether it has a derivative.
//!
//! From these come the items of `sinew::ops` that rustc and rustdoc see (`items`, with what `page` says of
//! each), what bodies are lowered by, and the texts that messages give for their use.
//!
//! That a name means one of them, and no item of the user's, is rustc's decision: emitted dead code asks
//! that it leads to the operation's own item, and a name means one only where no model function is found
//! along its path. So a new operation breaks no program. Beside the prelude's glob an import of a function
//! that is called like one of its operations is ambiguous: such a function is found by a second name of its
//! macro, which a `use` of it does not bring, so these are few and stay the same ([`table::PRELUDE`]).

mod declaration;
mod elsewhere;
mod items;
mod page;
mod table;

pub use elsewhere::written_here;
pub use items::items;

use crate::errors::Checked;
use crate::lower::{Arguments, Lowerer, Val};
use sinew_ir::{Axis, Builder, DType, Op, OpError, Value};
use std::collections::HashMap;
use std::sync::LazyLock;

/// An operation.
pub struct Operation {
    /// Its name.
    pub name: &'static str,
    /// What it computes, for rustdoc.
    pub doc: String,
    /// Its parameters; the first is the receiver of the method.
    pub parameters: Vec<Parameter>,
    /// Whether its examples call it by name rather than as a method.
    by_name: bool,
    /// Whether it takes sizes by any other name, as they stand in a pattern: such in its examples.
    sizes: Option<&'static str>,
    /// Whether it is called by name alone: its first argument is no tensor, which could have methods.
    function_only: bool,
    /// What follows the example of its use.
    note: Option<String>,
    /// What its page says.
    page: Page,
    /// What it does to a body.
    pub lowering: Lowering,
}

/// What an operation's page says beside what it computes and how it is written; a class says what is left out
/// for all of its operations.
#[derive(Default)]
struct Page {
    /// The shapes of what it takes, and of what it gives.
    shapes: Option<&'static str>,
    /// The element types of both.
    elements: Option<&'static str>,
    /// Its derivative.
    derivative: Option<&'static str>,
    /// A program that uses it and runs.
    example: Option<String>,
}

/// A parameter of an operation.
pub struct Parameter {
    /// Its name, by which an argument may be given.
    pub name: &'static str,
    /// What stands for it in examples; its name where that says enough.
    example: &'static str,
    /// What it is without an argument.
    pub default: DefaultValue,
    /// The texts that it takes in place of what it is else.
    pub texts: &'static [&'static str],
    /// Whether it takes all further arguments too: parameters behind it are given by name alone.
    pub many: bool,
    /// What shape it has.
    pub extent: Extent,
}

/// The shape of a parameter of an operation that is defined in the language; a number has any.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Extent {
    /// Such as the definition makes something of.
    Any,
    /// That of the first parameter.
    LikeFirst,
    /// One that broadcasts to that of the first parameter.
    WithinFirst,
    /// That of the first parameter without its last axis.
    RowsOfFirst,
}

/// What a parameter is without an argument.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum DefaultValue {
    /// There must be one.
    Required,
    /// What the operation's docs say; no value could be written for it.
    Described,
    /// An axis or another integer.
    Integer(i64),
    /// A number.
    Number(f64),
    /// A flag.
    Flag(bool),
    /// The first of these texts, which are all that it takes.
    Choice(&'static [&'static str]),
    /// An element type.
    DType(DType),
}

/// What an operation does to a body: the classes, and a function where none fits.
pub enum Lowering {
    /// An op of one tensor.
    Unary(Op),
    /// An op of two tensors that broadcast.
    Binary(Op),
    /// An op of a tensor over axes, which may be kept.
    Reduction(Op),
    /// An op of a tensor along one axis.
    Along(Op),
    /// An op that adds updates at indices along an axis.
    Scatter(Op),
    /// The index of an element along an axis, or of all elements.
    Position(fn(&mut Builder, Value, Option<Axis>, bool) -> Result<Value, OpError>),
    /// Elements at indices along an axis.
    Gather(fn(&mut Builder, Value, Value, Axis) -> Result<Value, OpError>),
    /// A function of a tensor and a number.
    Number(fn(&mut Builder, Value, &sinew_ir::Number) -> Result<Value, OpError>),
    /// A function of a tensor along one axis.
    Axis(fn(&mut Builder, Value, Axis) -> Result<Value, OpError>),
    /// An expression as [`Lowering::Defined`] has it, then the reduction that the parameter `reduction` names.
    Loss(&'static str),
    /// One number in a shape.
    Filled(f64),
    /// One number in the type of a tensor.
    Like(f64),
    /// An expression of the language over the parameters, by their names: those that must be given are floats or
    /// numbers, the others numbers, and flags that an `if` asks for.
    Defined(&'static str),
    /// Anything else.
    Special(fn(&mut Lowerer<'_, '_>, &Arguments<'_>) -> Checked<Val>),
}

impl Lowering {
    /// The one op that it adds, if it is that.
    fn op(&self) -> Option<Op> {
        match self {
            Lowering::Unary(op)
            | Lowering::Binary(op)
            | Lowering::Reduction(op)
            | Lowering::Along(op)
            | Lowering::Scatter(op) => Some(*op),
            Lowering::Position(_)
            | Lowering::Gather(_)
            | Lowering::Number(_)
            | Lowering::Axis(_)
            | Lowering::Loss(_)
            | Lowering::Filled(_)
            | Lowering::Like(_)
            | Lowering::Defined(_)
            | Lowering::Special(_) => None,
        }
    }

    /// The expression that it is, if it is one.
    fn definition(&self) -> Option<&'static str> {
        match self {
            Lowering::Defined(definition) | Lowering::Loss(definition) => Some(definition),
            _ => None,
        }
    }
}

impl Parameter {
    /// How it stands in an example.
    fn usage(&self) -> String {
        let name = self.name;
        match self.default {
            DefaultValue::Required | DefaultValue::Described => self.example.to_string(),
            DefaultValue::Integer(value) => format!("{name} = {value}"),
            DefaultValue::Number(value) => format!("{name} = {value:?}"),
            DefaultValue::Flag(value) => format!("{name} = {value}"),
            DefaultValue::Choice(texts) => format!("{name} = {:?}", texts.first().unwrap_or(&"")),
            DefaultValue::DType(DType::Float) => format!("{name} = float"),
            DefaultValue::DType(dtype) => format!("{name} = {dtype}"),
        }
    }
}

impl Operation {
    /// How it is written, for messages.
    pub fn usage(&self) -> String {
        let call = self.call(!self.by_name);
        match &self.note {
            Some(note) => format!("{call} {note}"),
            None => call,
        }
    }

    /// A call of it, as a method or by its name.
    fn call(&self, as_method: bool) -> String {
        let (receiver, rest) = match !as_method {
            true => (None, self.parameters.as_slice()),
            false => match self.parameters.split_first() {
                Some((first, rest)) => (Some(first), rest),
                None => (None, [].as_slice()),
            },
        };
        let arguments = rest.iter().map(Parameter::usage);
        let sizes = self.sizes.map(str::to_string);
        let arguments: Vec<String> = arguments.chain(sizes).collect();
        let receiver = receiver.map_or_else(String::new, |p| format!("{}.", p.usage()));
        format!("`{receiver}{}({})`", self.name, arguments.join(", "))
    }

    /// Whether it takes sizes by any other name.
    pub fn takes_sizes(&self) -> bool {
        self.sizes.is_some()
    }

    /// How many arguments there must be.
    pub fn required(&self) -> usize {
        let required = |p: &&Parameter| p.default == DefaultValue::Required;
        self.parameters.iter().filter(required).count()
    }

    /// The parameter that takes many arguments.
    pub fn many(&self) -> Option<usize> {
        self.parameters.iter().position(|p| p.many)
    }

    /// The slot of an argument without a name, by its position: what follows the first of many is behind
    /// all parameters.
    pub fn place(&self, position: usize) -> usize {
        match self.many() {
            Some(many) if position > many => self.parameters.len() + position - many - 1,
            Some(_) | None => position,
        }
    }

    /// The names of its parameters.
    pub fn parameter_names(&self) -> Vec<String> {
        let names = self.parameters.iter().map(|p| p.name.to_string());
        names.collect()
    }
}

/// Every operation, by name.
pub static TABLE: LazyLock<Vec<Operation>> = LazyLock::new(table::operations);

static BY_NAME: LazyLock<HashMap<&'static str, &'static Operation>> =
    LazyLock::new(|| TABLE.iter().map(|o| (o.name, o)).collect());

/// The operation called `name`.
pub fn find(name: &str) -> Option<&'static Operation> {
    BY_NAME.get(name).copied()
}

/// Whether the prelude brings the operation called `name`.
pub fn in_prelude(name: &str) -> bool {
    table::PRELUDE.contains(&name)
}

/// Every name.
pub fn names() -> Vec<String> {
    TABLE.iter().map(|o| o.name.to_string()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_is_declared_once_and_told() {
        assert_eq!(BY_NAME.len(), TABLE.len());
        let known = |name: &&str| find(name).is_some();
        assert!(table::PRELUDE.iter().all(known));
        for o in TABLE.iter() {
            assert!(o.doc.trim_end().ends_with('.'), "{}: {}", o.name, o.doc);
            let usage = o.usage();
            assert_eq!(usage.matches('`').count() % 2, 0, "{usage}");
        }
    }

    /// What a definition names and calls.
    #[derive(Default)]
    struct Names {
        called: Vec<String>,
        variables: Vec<String>,
        bound: Vec<String>,
    }

    impl<'ast> syn::visit::Visit<'ast> for Names {
        fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
            let syn::Expr::Path(function) = &*call.func else {
                panic!("a plain name");
            };
            let name = function.path.require_ident().expect("a plain name");
            self.called.push(name.to_string());
            call.args.iter().for_each(|e| self.visit_expr(e));
        }

        fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
            self.called.push(call.method.to_string());
            self.visit_expr(&call.receiver);
            for argument in &call.args {
                match argument {
                    syn::Expr::Assign(named) => self.visit_expr(&named.right),
                    other => self.visit_expr(other),
                }
            }
        }

        fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
            let name = path.path.get_ident().expect("a plain name");
            self.variables.push(name.to_string());
        }

        fn visit_pat_ident(&mut self, pattern: &'ast syn::PatIdent) {
            self.bound.push(pattern.ident.to_string());
        }
    }

    #[test]
    fn definitions_are_made_of_operations_and_parameters() {
        let mut count = 0;
        for o in TABLE.iter() {
            let Some(definition) = o.lowering.definition() else {
                continue;
            };
            count += 1;
            let body = syn::parse_str(definition).expect(definition);
            let mut names = Names::default();
            syn::visit::Visit::visit_expr(&mut names, &body);
            for name in names.called {
                assert!(find(&name).is_some(), "{}: {name}", o.name);
            }
            let parameters = o.parameter_names();
            for variable in &names.variables {
                let known = parameters.contains(variable) || names.bound.contains(variable);
                assert!(known, "{}: {variable}", o.name);
            }
            // What becomes of losses is no affair of their definition.
            let used = |p: &String| names.variables.contains(p) || p == "reduction";
            assert!(parameters.iter().all(used), "{}", o.name);
            let is_loss = matches!(o.lowering, Lowering::Loss(_));
            assert_eq!(parameters.contains(&"reduction".to_string()), is_loss);
        }
        assert!(count > 10, "only {count} operations are defined");
    }

    #[test]
    fn what_must_be_given_comes_first() {
        for o in TABLE.iter() {
            let (required, rest) = o.parameters.split_at(o.required());
            let is = |p: &Parameter| p.default == DefaultValue::Required;
            assert!(required.iter().all(is), "{}", o.name);
            assert!(!rest.iter().any(is), "{}", o.name);
            // What stands behind it is given by name.
            let last = o.required().checked_sub(1);
            assert!(o.many().is_none_or(|i| Some(i) == last), "{}", o.name);
        }
    }

    #[test]
    fn uses_are_written_out_of_the_parameters() {
        let usage = |name: &str| find(name).expect("declared").usage();
        assert_eq!(usage("relu"), "`x.relu()`");
        assert_eq!(usage("softmax"), "`x.softmax(axis = -1)`");
        assert_eq!(
            usage("huber_loss"),
            "`huber_loss(x, y, reduction = \"mean\", delta = 1.0)`"
        );
        assert_eq!(usage("gelu"), "`x.gelu(approximate = \"none\")`");
    }
}
