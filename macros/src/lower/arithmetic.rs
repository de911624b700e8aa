//! Operators: `+ - * / %`, comparisons, `&& || !`, with numbers on either side.

use super::Lowerer;
use super::build::Operand;
use super::value::{Number, Val};
use crate::errors::{Checked, Reported};
use crate::messages;
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::{DType, Op, Value, lower, ops};

impl Lowerer<'_, '_> {
    /// `-x`, `!x`.
    pub fn unary(&mut self, u: &syn::ExprUnary) -> Checked<Val> {
        let val = self.expression(&u.expr)?;
        let (op, name) = match u.op {
            syn::UnOp::Neg(_) => {
                if let Val::Number(n) = val {
                    return Ok(Val::Number(Number {
                        value: -n.value,
                        ..n
                    }));
                }
                (ops::NEG, "-")
            }
            syn::UnOp::Not(_) => (ops::NOT, "!"),
            _ => return Err(self.report(messages::not_in_the_language(u))),
        };
        let tokens = u.expr.to_token_stream();
        let x = self.tensor_of(val, None, &tokens)?;
        let built = self.build(&u.op, name, &[Operand::of(&tokens, x)], |b| {
            b.op(op, &[x], Vec::new())
        })?;
        Ok(Val::Tensor(built))
    }

    /// `a + b` and the others.
    pub fn binary(&mut self, e: &syn::ExprBinary) -> Checked<Val> {
        // Both sides first, so that errors in both are seen.
        let (left, right) = (self.expression(&e.left), self.expression(&e.right));
        let (left, right) = (left?, right?);
        let (op, name, swap) = match e.op {
            syn::BinOp::Add(_) => (ops::ADD, "+", false),
            syn::BinOp::Sub(_) => (ops::SUB, "-", false),
            syn::BinOp::Mul(_) => (ops::MUL, "*", false),
            syn::BinOp::Div(_) => (ops::DIV, "/", false),
            syn::BinOp::Rem(_) => (ops::REM, "%", false),
            syn::BinOp::Lt(_) => (ops::LT, "<", false),
            syn::BinOp::Le(_) => (ops::LE, "<=", false),
            syn::BinOp::Gt(_) => (ops::LT, ">", true),
            syn::BinOp::Ge(_) => (ops::LE, ">=", true),
            syn::BinOp::Eq(_) => (ops::EQ, "==", false),
            syn::BinOp::Ne(_) => (ops::NE, "!=", false),
            syn::BinOp::And(_) => (ops::AND, "&&", false),
            syn::BinOp::Or(_) => (ops::OR, "||", false),
            other => return Err(self.report(messages::no_operator(&other, "this"))),
        };
        match (&left, &right) {
            (Val::Broken, _) | (_, Val::Broken) => return Err(Reported),
            (Val::Number(a), Val::Number(b)) => {
                if let Some(folded) = self.fold(*a, *b, &e.op)? {
                    return Ok(folded);
                }
            }
            (Val::Size(_) | Val::Number(_), Val::Size(_) | Val::Number(_)) => {
                if let Some(dim) = sizes(&left, &right, &e.op) {
                    return Ok(Val::Size(dim));
                }
            }
            _ => {}
        }
        let (lt, rt) = (e.left.to_token_stream(), e.right.to_token_stream());
        let (x, y) = self.two(left, right, &lt, &rt)?;
        if op == ops::DIV
            && self.builder.type_of(x).dtype.is_integer()
            && self.builder.type_of(y).dtype.is_integer()
        {
            return Err(self.report(messages::integer_division(&e.op)));
        }
        let operands = Operand::pair((lt, x), (rt, y));
        let built = self.build(&e.op, name, &operands, |b| match swap {
            false => lower::binary(b, op, x, y),
            true => lower::binary(b, op, y, x),
        })?;
        Ok(Val::Tensor(built))
    }

    /// Two operands; a number takes the other's element type.
    pub fn two(
        &mut self,
        left: Val,
        right: Val,
        lt: &TokenStream,
        rt: &TokenStream,
    ) -> Checked<(Value, Value)> {
        let hint = self.element(&left).or(self.element(&right));
        let x = self.tensor_of(left, hint, lt)?;
        let y = self.tensor_of(right, hint, rt)?;
        Ok((x, y))
    }

    fn element(&self, val: &Val) -> Option<DType> {
        match val {
            Val::Tensor(v) => Some(self.builder.type_of(*v).dtype),
            Val::Number(_)
            | Val::Size(_)
            | Val::Const(_)
            | Val::Struct(_)
            | Val::Tuple(_)
            | Val::Broken => None,
        }
    }

    /// Arithmetic of two literals; `None` for comparisons, which are tensors.
    fn fold(&mut self, a: Number, b: Number, op: &syn::BinOp) -> Checked<Option<Val>> {
        let integer = a.integer && b.integer;
        let value = match op {
            syn::BinOp::Add(_) => a.value + b.value,
            syn::BinOp::Sub(_) => a.value - b.value,
            syn::BinOp::Mul(_) => a.value * b.value,
            syn::BinOp::Div(_) => {
                let quotient = a.value / b.value;
                if integer && quotient.fract() != 0.0 {
                    return Err(self.report(messages::integer_division(op)));
                }
                quotient
            }
            syn::BinOp::Rem(_) => sinew_ir::remainder(a.value, b.value),
            _ => return Ok(None),
        };
        match value.is_finite() {
            true => Ok(Some(Val::Number(Number { value, integer }))),
            false => Err(self.report(messages::not_finite(op))),
        }
    }

    /// An op of two operands by its table's entry, for functions such as `maximum(a, b)`.
    pub fn binary_op(&mut self, a: &super::arguments::Arguments<'_>, op: Op) -> Checked<Val> {
        let (left, right) = (self.value_arg(a, 0), self.value_arg(a, 1));
        let (left, right) = (left?, right?);
        let (x, y) = self.two(left.val, right.val, &left.tokens, &right.tokens)?;
        let operands = Operand::pair((left.tokens, x), (right.tokens, y));
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            lower::binary(b, op, x, y)
        })?;
        Ok(Val::Tensor(built))
    }
}

/// Sums, differences and products of sizes and integers are sizes.
fn sizes(left: &Val, right: &Val, op: &syn::BinOp) -> Option<sinew_ir::Dim> {
    let dim = |val: &Val| match val {
        Val::Size(d) => Some(d.clone()),
        // Exact: integers of this size are.
        Val::Number(n) if n.integer && n.value.abs() < 9e15 => {
            Some(sinew_ir::Dim::constant(n.value as i64))
        }
        Val::Number(_)
        | Val::Const(_)
        | Val::Tensor(_)
        | Val::Struct(_)
        | Val::Tuple(_)
        | Val::Broken => None,
    };
    let (left, right) = (dim(left)?, dim(right)?);
    match op {
        syn::BinOp::Add(_) => left.checked_add(&right),
        syn::BinOp::Sub(_) => left.checked_sub(&right),
        syn::BinOp::Mul(_) => left.checked_mul(&right),
        _ => None,
    }
}
