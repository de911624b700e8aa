//! Operations that are defined in the language: their definition is lowered in place, with the arguments under
//! the names of the parameters.

use super::super::Lowerer;
use super::super::arguments::Arguments;
use super::super::build::WrittenOperand;
use super::super::locals::Locals;
use super::super::value::Val;
use crate::errors::{Checked, Reported};
use crate::messages;
use crate::operations::DefaultValue;
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::{DType, OpError};

/// The user's call of such an operation: what is wrong in its definition is told of the call.
pub struct Defined {
    /// The operation's name.
    pub name: &'static str,
    /// The name in the call.
    pub at: TokenStream,
    /// The tensors that it is called with.
    pub operands: Vec<WrittenOperand>,
}

impl Lowerer<'_, '_> {
    pub(super) fn defined(&mut self, a: &Arguments<'_>, definition: &str) -> Checked<Val> {
        let mut names = Vec::new();
        let mut operands = Vec::new();
        for (i, parameter) in a.op.parameters.iter().enumerate() {
            let val = self.of_definition(a, i)?;
            if let Val::Tensor(x) = val {
                operands.push(WrittenOperand::new(&a.tokens(i), x));
            }
            names.push((parameter.name, val));
        }
        self.are_floats(a, &operands)?;
        self.by_definition(a, names, operands, definition)
    }

    /// What a definition gives, in which names stand for these values; the operands are the tensors of the call.
    pub(super) fn by_definition(
        &mut self,
        a: &Arguments<'_>,
        names: Vec<(&str, Val)>,
        operands: Vec<WrittenOperand>,
        definition: &str,
    ) -> Checked<Val> {
        // None of the user's names means anything in it, and none of its names is told of to the user.
        let mut locals = Locals::default();
        for (name, val) in names {
            locals.bind(name, val, false);
        }
        // Its tokens stand where the user's call does.
        let text = syn::LitStr::new(definition, a.name.span());
        let body = self.scope.errors.check(text.parse::<syn::Expr>())?;
        let outer = std::mem::replace(&mut self.locals, locals);
        let is_users = self.defined.is_none();
        if is_users {
            self.defined = Some(Defined {
                name: a.op.name,
                at: a.name.to_token_stream(),
                operands,
            });
        }
        let val = self.expression(&body);
        if is_users {
            self.defined = None;
        }
        self.locals = outer;
        val
    }

    /// What a parameter stands for: a tensor, or a number that takes the element type of what it meets.
    fn of_definition(&mut self, a: &Arguments<'_>, i: usize) -> Checked<Val> {
        let default = a.op.parameters.get(i).map(|p| p.default);
        if let (false, Some(DefaultValue::Number(value))) = (a.has(i), default) {
            return Ok(Val::number(value));
        }
        let given = self.value_arg(a, i)?;
        match &given.val {
            Val::Broken => Err(Reported),
            Val::Number(_) | Val::Const(_) | Val::Setting(_) if i > 0 => Ok(given.val),
            _ if matches!(default, Some(DefaultValue::Number(_))) => {
                let usage = a.op.usage();
                Err(self.report(messages::wants_number(&given.tokens, &a.name, &usage)))
            }
            _ => {
                let x = self.tensor_of(given.val, None, &given.tokens)?;
                Ok(Val::Tensor(x))
            }
        }
    }

    fn are_floats(&mut self, a: &Arguments<'_>, operands: &[WrittenOperand]) -> Checked<()> {
        let of = |o: &WrittenOperand| -> DType { self.builder.type_of(o.value).dtype };
        match operands.iter().position(|o| !of(o).is_float()) {
            None => Ok(()),
            Some(operand) => {
                let error = OpError::DType {
                    operand,
                    expected: "a float",
                    found: of(&operands[operand]),
                };
                Err(self.refused(&a.name.to_token_stream(), a.op.name, &error, operands))
            }
        }
    }
}
