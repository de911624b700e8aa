//! Operations that are defined in the language: their definition is lowered in place, with the arguments under
//! the names of the parameters.
//!
//! In it an `if` on what is known at the call, a flag or a number, is the arm that it picks, so that an operation can
//! have one formula for each; the arms need not be of one type.

use super::super::Lowerer;
use super::super::arguments::{self, Arguments, plain};
use super::super::build::WrittenOperand;
use super::super::choice::{Arm, Body};
use super::super::locals::Locals;
use super::super::value::Val;
use crate::errors::{Checked, Reported};
use crate::messages;
use crate::operations::{DefaultValue, Extent};
use crate::parse;
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::{Condition, DType, Number, OpError, Value, compose};

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
        let mut tensors = Vec::new();
        for (i, parameter) in a.op.parameters.iter().enumerate() {
            let Some(val) = self.of_definition(a, i)? else {
                continue;
            };
            if let Val::Tensor(x) = val {
                operands.push(WrittenOperand::new(&a.tokens(i), x));
                tensors.push((i, x));
            }
            names.push((parameter.name, val));
        }
        self.are_floats(a, &operands)?;
        if let Some(((0, first), others)) = tensors.split_first() {
            for (i, x) in others {
                self.has_extent(a, *first, *i, *x)?;
            }
        }
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
        let errors = self.scope.errors.count();
        let val = self.expression(&body);
        if is_users {
            self.defined = None;
            // All of them are of one call, and told of it.
            self.scope.errors.truncate(errors + 1);
        }
        self.locals = outer;
        val
    }

    /// What a parameter stands for: a tensor, a number that takes the element type of what it meets, or a flag;
    /// nothing of one that the definition does not ask for.
    fn of_definition(&mut self, a: &Arguments<'_>, i: usize) -> Checked<Option<Val>> {
        let default = a.op.parameters.get(i).map(|p| p.default);
        Ok(match default {
            Some(DefaultValue::Number(_)) => match self.number_arg(a, i, DType::Float)? {
                Number::Known(value) => Some(Val::number(value)),
                number => Some(Val::Setting(Box::new(number))),
            },
            Some(DefaultValue::Integer(_)) => Some(Val::number(self.axis_arg(a, i)? as f64)),
            Some(DefaultValue::Flag(_)) => {
                let flag = Condition::known(self.flag_arg(a, i)?);
                Some(Val::Flag(Box::new(flag)))
            }
            Some(DefaultValue::Required) => {
                let given = self.value_arg(a, i)?;
                match &given.val {
                    Val::Broken => return Err(Reported),
                    Val::Number(_) | Val::Const(_) | Val::Setting(_) if i > 0 => Some(given.val),
                    _ => Some(Val::Tensor(self.tensor_of(
                        given.val,
                        None,
                        &given.tokens,
                    )?)),
                }
            }
            Some(DefaultValue::Described | DefaultValue::Choice(_) | DefaultValue::DType(_))
            | None => None,
        })
    }

    /// Whether a tensor has the shape that the declaration says, as that of the first one is.
    fn has_extent(&mut self, a: &Arguments<'_>, first: Value, i: usize, x: Value) -> Checked<()> {
        let pair = WrittenOperand::pair((a.tokens(0), first), (a.tokens(i), x));
        match a.op.parameters.get(i).map(|p| p.extent) {
            Some(Extent::LikeFirst) => self.is_like(a, &pair),
            Some(Extent::WithinFirst) => self.is_within(a, &pair),
            Some(Extent::RowsOfFirst) => {
                let [of_first, found] = [first, x].map(|v| self.builder.type_of(v).clone());
                let mut wanted = found.clone();
                wanted.shape = of_first.shape.clone();
                let has_rows = wanted.shape.dims.pop().is_some();
                let wanted = has_rows.then_some(wanted);
                let facts = [(0, &of_first), (i, &found)]
                    .map(|(i, ty)| messages::operand("", &a.tokens(i), ty));
                let message =
                    messages::one_for_each_row(&a.tokens(i), a.op.name, wanted.as_ref(), &facts);
                match wanted {
                    Some(wanted) => self.same_type(&found, &wanted, &message),
                    None => Err(self.report(message.into_error())),
                }
            }
            Some(Extent::Any) | None => Ok(()),
        }
    }

    /// Whether two tensors are of one shape.
    pub(super) fn is_like(&mut self, a: &Arguments<'_>, pair: &[WrittenOperand; 2]) -> Checked<()> {
        let [first, x] = [pair[0].value, pair[1].value];
        self.build(&a.name, a.op.name, pair, |b| {
            let [left, right] = [first, x].map(|v| b.type_of(v).shape.clone());
            match left == right {
                true => Ok(()),
                false => Err(OpError::ShapesDiffer { left, right }),
            }
        })
    }

    /// Whether the second of two tensors broadcasts to the shape of the first.
    pub(super) fn is_within(
        &mut self,
        a: &Arguments<'_>,
        pair: &[WrittenOperand; 2],
    ) -> Checked<()> {
        let [first, x] = [pair[0].value, pair[1].value];
        let met = self.build(&a.name, a.op.name, pair, |b| {
            compose::broadcast_shapes(&b.type_of(first).shape, &b.type_of(x).shape)
        })?;
        if met == self.builder.type_of(first).shape {
            return Ok(());
        }
        let facts = [0, 1].map(|i| {
            let ty = self.builder.type_of(pair[i].value);
            messages::operand("", &pair[i].tokens, ty)
        });
        Err(self.report(messages::larger_than_the_first(
            &pair[1].tokens,
            a.op.name,
            &facts,
        )))
    }

    /// A literal integer; in a definition also the name of one, which its operation was called with.
    pub(in crate::lower) fn known_integer(&self, e: &syn::Expr) -> Option<i64> {
        let named = || match plain(e) {
            syn::Expr::Path(p) if self.defined.is_some() => {
                self.lookup(&parse::name(p.path.get_ident()?))
            }
            _ => None,
        };
        arguments::integer(e).or_else(|| match named() {
            Some(Val::Number(n)) if n.integer => Some(n.value as i64),
            _ => None,
        })
    }

    /// What the arm of an `if` does that is known to be the one, in a definition.
    pub(in crate::lower) fn known_arm<'a>(&self, arms: &[Arm<'a>]) -> Option<Body<'a>> {
        self.defined.as_ref()?;
        for arm in arms {
            match arm.when.as_ref().map(Condition::answer) {
                None | Some(Some(true)) => return Some(arm.body),
                Some(Some(false)) => {}
                Some(None) => return None,
            }
        }
        None
    }

    pub(super) fn are_floats(
        &mut self,
        a: &Arguments<'_>,
        operands: &[WrittenOperand],
    ) -> Checked<()> {
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
