//! Operators: `+ - * / %`, comparisons, `&& || !`, with numbers on either side.

use super::Lowerer;
use super::arguments;
use super::assignment;
use super::build::WrittenOperand;
use super::constant;
use super::value::{Counted, LoopIndex, Number, PARTS, Val};
use crate::errors::{Checked, Reported};
use crate::messages;
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::{DType, Dim, Op, OpError, Shape, Value, attributes, compose, ops};
use std::rc::Rc;
use syn::spanned::Spanned;

/// What the builder said of `b < a`, about `a > b`.
fn turned(error: OpError) -> OpError {
    match error {
        OpError::ShapesDiffer { left, right } => OpError::ShapesDiffer {
            left: right,
            right: left,
        },
        OpError::DTypesDiffer { left, right } => OpError::DTypesDiffer {
            left: right,
            right: left,
        },
        OpError::DType {
            operand,
            expected,
            found,
        } => OpError::DType {
            operand: 1usize.saturating_sub(operand),
            expected,
            found,
        },
        other => other,
    }
}

/// What an operator does to tensors.
struct Operator {
    op: Op,
    /// As it is written.
    name: &'static str,
    /// Whether its sides change places: `a > b` is `b < a`.
    turns: bool,
    /// What it is of bools, where it has another op for their bits.
    of_bools: Option<Op>,
}

/// Whether this is arithmetic of consts with sizes and integers.
fn counted(left: &Val, right: &Val, op: &syn::BinOp) -> bool {
    let of_const = |val: &Val| matches!(val, Val::Const(_) | Val::Counted(_));
    let whole = |val: &Val| match val {
        Val::Number(n) => n.integer,
        Val::Size(_) | Val::Const(_) | Val::Counted(_) => true,
        Val::Tensor(_)
        | Val::Struct(_)
        | Val::Repeated(_)
        | Val::Tuple(_)
        | Val::Index(_)
        | Val::Flag(_)
        | Val::Setting(_)
        | Val::List(_)
        | Val::Broken => false,
    };
    let known = matches!(
        op,
        syn::BinOp::Add(_) | syn::BinOp::Sub(_) | syn::BinOp::Mul(_)
    );
    known && whole(left) && whole(right) && (of_const(left) || of_const(right))
}

/// A mask or a power of two written with literals, exact; `None` past 32 bits.
fn bits(a: Number, b: Number, op: &syn::BinOp) -> Option<Val> {
    let whole = |n: Number| DType::U32.holds(n.value).then_some(n.value as u64);
    let (x, y) = (whole(a)?, whole(b)?);
    let value = match op {
        syn::BinOp::BitAnd(_) => x & y,
        syn::BinOp::BitOr(_) => x | y,
        syn::BinOp::BitXor(_) => x ^ y,
        syn::BinOp::Shl(_) if y < 32 => x << y,
        syn::BinOp::Shr(_) if y < 32 => x >> y,
        _ => return None,
    };
    let value = u32::try_from(value).map(f64::from).ok()?;
    let integer = true;
    (a.integer && b.integer).then_some(Val::Number(Number { value, integer }))
}

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
            // `&Activation` is matched as what it points to.
            syn::UnOp::Deref(_) if self.is_enum(&val) => return Ok(val),
            _ => return Err(self.report(messages::dereference(u))),
        };
        let tokens = u.expr.to_token_stream();
        let x = self.tensor_of(val, None, &tokens)?;
        let dtype = self.builder.type_of(x).dtype;
        let built = self.build(&u.op, name, &[WrittenOperand::new(&tokens, x)], |b| {
            match (op == ops::NOT, dtype) {
                // Every bit of an integer.
                (true, DType::U32) => b.with(ops::BITXOR, x, f64::from(u32::MAX)),
                (true, DType::I32) => b.with(ops::BITXOR, x, -1.0),
                (true | false, _) => b.op(op, &[x], Vec::new()),
            }
        })?;
        Ok(Val::Tensor(built))
    }

    /// `a + b` and the others.
    pub fn binary(&mut self, e: &syn::ExprBinary) -> Checked<Val> {
        if assignment::operator(&e.op).is_some() {
            return Err(self.report(messages::assignment_as_value(&e.op)));
        }
        if let (syn::BinOp::Mul(_), syn::Expr::Unary(right)) = (&e.op, &*e.right)
            && matches!(right.op, syn::UnOp::Deref(_))
        {
            return Err(self.report(messages::power_sign(&e.left, right)));
        }
        // Both sides first, so that errors in both are seen.
        let (left, right) = (self.expression(&e.left), self.expression(&e.right));
        let (left, right) = (left?, right?);
        let operator = self.operator(&e.op)?;
        if let Some(val) = self.without_tensors(e, &left, &right)? {
            return Ok(val);
        }
        let (lt, rt) = (e.left.to_token_stream(), e.right.to_token_stream());
        let (x, y) = self.two(left, right, &lt, &rt)?;
        if operator.op == ops::DIV
            && self.builder.type_of(x).dtype.is_integer()
            && self.builder.type_of(y).dtype.is_integer()
        {
            let ty = |v| messages::tensor(self.builder.type_of(v));
            let error = messages::division_of_integers(&e.op, (&lt, ty(x)), (&rt, ty(y)));
            return Err(self.report(error));
        }
        let operands = WrittenOperand::pair((lt, x), (rt, y));
        let Operator {
            mut op,
            name,
            turns,
            of_bools,
        } = operator;
        let bools = [x, y]
            .iter()
            .all(|v| self.builder.type_of(*v).dtype == DType::Bool);
        if let Some(of_bools) = of_bools.filter(|_| bools) {
            op = of_bools;
        }
        let built = self.build(&e.op, name, &operands, |b| match turns {
            false => compose::binary(b, op, x, y),
            true => compose::binary(b, op, y, x).map_err(turned),
        })?;
        Ok(Val::Tensor(built))
    }

    /// The op of an operator.
    fn operator(&self, op: &syn::BinOp) -> Checked<Operator> {
        let of_bools = match op {
            syn::BinOp::BitAnd(_) => Some(ops::AND),
            syn::BinOp::BitOr(_) => Some(ops::OR),
            syn::BinOp::BitXor(_) => Some(ops::NE),
            _ => None,
        };
        let (op, name, turns) = match op {
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
            syn::BinOp::BitAnd(_) => (ops::BITAND, "&", false),
            syn::BinOp::BitOr(_) => (ops::BITOR, "|", false),
            syn::BinOp::BitXor(_) => (ops::BITXOR, "^", false),
            syn::BinOp::Shl(_) => (ops::SHL, "<<", false),
            syn::BinOp::Shr(_) => (ops::SHR, ">>", false),
            other => return Err(self.report(messages::not_in_the_language(other))),
        };
        Ok(Operator {
            op,
            name,
            turns,
            of_bools,
        })
    }

    /// Arithmetic of literals, sizes and Rust consts, as far as it is none of tensors.
    fn without_tensors(
        &mut self,
        e: &syn::ExprBinary,
        left: &Val,
        right: &Val,
    ) -> Checked<Option<Val>> {
        let divides = matches!(e.op, syn::BinOp::Div(_));
        match (left, right) {
            (Val::Broken, _) | (_, Val::Broken) => return Err(Reported),
            (Val::Index(index), other) | (other, Val::Index(index)) => {
                let from_right = matches!(right, Val::Index(_));
                if let Some(moved) = self.moved(index, other, from_right, e)? {
                    return Ok(Some(Val::Index(moved)));
                }
            }
            (Val::Number(a), Val::Number(b)) => {
                if let Some(folded) = self.fold(*a, *b, &e.op)? {
                    return Ok(Some(folded));
                }
            }
            (Val::Size(_) | Val::Number(_), Val::Size(_) | Val::Number(_)) => {
                if let Some(dim) = self.sizes(left, right, &e.op)? {
                    return Ok(Some(Val::Size(dim)));
                }
            }
            // A size is divided as in Rust, where only an integer divides it: the const is a dim.
            (Val::Size(_), Val::Const(_)) | (Val::Const(_), Val::Size(_)) if divides => {
                let dim = self.dim_expr(&syn::Expr::Binary(e.clone()));
                return Ok(Some(Val::Size(dim?)));
            }
            (Val::Const(_) | Val::Number(_), Val::Const(_) | Val::Number(_)) if divides => {
                self.const_parts(e, left, right)?;
                if let Some(quotient) = constant::quotient(left, right, e.to_token_stream()) {
                    return Ok(Some(quotient));
                }
            }
            _ => {}
        }
        if !counted(left, right, &e.op) {
            return Ok(None);
        }
        Ok(Some(Val::Counted(Rc::new(Counted {
            written: e.clone(),
            sides: (left.clone(), right.clone()),
            parts: self.const_parts(e, left, right)?,
        }))))
    }

    /// How many parts arithmetic of Rust consts has, if they are not too many.
    fn const_parts(&self, e: &syn::ExprBinary, left: &Val, right: &Val) -> Checked<usize> {
        match left.parts() + right.parts() {
            parts if parts > PARTS => Err(self.report(messages::const_arithmetic(&e.op, PARTS))),
            parts => Ok(parts),
        }
    }

    /// A loop's index with a size or an integer added or taken off, which is a place in an axis too.
    fn moved(
        &mut self,
        index: &LoopIndex,
        by: &Val,
        from_right: bool,
        e: &syn::ExprBinary,
    ) -> Checked<Option<LoopIndex>> {
        let whole = match by {
            Val::Number(n) => n.integer,
            Val::Size(_) | Val::Const(_) | Val::Counted(_) => true,
            _ => false,
        };
        let by = match from_right {
            true => &e.left,
            false => &e.right,
        };
        let by = match (whole, arguments::integer(by)) {
            (false, _) => return Ok(None),
            (true, Some(n)) => Dim::constant(n),
            (true, None) => self.dim_expr(by)?,
        };
        let offset = match (&e.op, from_right) {
            (syn::BinOp::Add(_), _) => index.offset.checked_add(&by),
            (syn::BinOp::Sub(_), false) => index.offset.checked_sub(&by),
            _ => return Ok(None),
        };
        match offset {
            Some(offset) => Ok(Some(LoopIndex {
                offset,
                ..index.clone()
            })),
            None => Err(self.overflow(e.op.span())),
        }
    }

    /// A loop's index as a scalar of `dtype`, i32 if it meets none.
    pub fn index_number(
        &mut self,
        index: &LoopIndex,
        dtype: Option<DType>,
        at: &TokenStream,
    ) -> Checked<Value> {
        let dtype = match dtype {
            Some(DType::Bool) | None => DType::I32,
            Some(dtype) => dtype,
        };
        let offset = self.dim(&index.offset)?;
        let iteration = index.iteration;
        self.build(at, "for", &[], |b| {
            let mut value = iteration;
            if offset != Dim::constant(0) {
                let by = b.extent(offset.clone(), DType::I32, Shape::scalar())?;
                value = b.op(ops::ADD, &[value, by], Vec::new())?;
            }
            match dtype {
                DType::I32 => Ok(value),
                other => b.op(ops::CAST, &[value], attributes::Cast { dtype: other }),
            }
        })
    }

    /// Arithmetic of consts as a scalar of `dtype`.
    pub fn counted_number(&mut self, counted: &Counted, dtype: DType) -> Checked<Value> {
        let e = &counted.written;
        let (lt, rt) = (e.left.to_token_stream(), e.right.to_token_stream());
        let (left, right) = counted.sides.clone();
        let x = self.tensor_of(left, Some(dtype), &lt)?;
        let y = self.tensor_of(right, Some(dtype), &rt)?;
        let (op, name) = match e.op {
            syn::BinOp::Add(_) => (ops::ADD, "+"),
            syn::BinOp::Sub(_) => (ops::SUB, "-"),
            _ => (ops::MUL, "*"),
        };
        let operands = WrittenOperand::pair((lt, x), (rt, y));
        self.build(&e.op, name, &operands, |b| compose::binary(b, op, x, y))
    }

    /// Arithmetic of consts as a size.
    pub fn counted_size(&mut self, counted: &Counted) -> syn::Result<Dim> {
        let left = self.size_of(&counted.sides.0, &counted.written.left)?;
        let right = self.size_of(&counted.sides.1, &counted.written.right)?;
        let size = match counted.written.op {
            syn::BinOp::Add(_) => left.checked_add(&right),
            syn::BinOp::Sub(_) => left.checked_sub(&right),
            _ => left.checked_mul(&right),
        };
        size.ok_or_else(|| messages::dim_arithmetic(counted.written.op.span()))
    }

    /// A value as a size, if it may be one.
    pub fn size_of(&mut self, val: &Val, at: &impl ToTokens) -> syn::Result<Dim> {
        match val {
            Val::Size(d) => Ok(d.clone()),
            // Exact: integers of this size are.
            Val::Number(n) if n.integer && n.value.abs() < 9e15 => {
                Ok(Dim::constant(n.value as i64))
            }
            Val::Const(c) => match c.path() {
                Some(path) => self.scope.name(&path),
                None => Err(messages::not_a_size(at, &self.describe(val))),
            },
            Val::Counted(c) => self.counted_size(c),
            Val::Number(_)
            | Val::Tensor(_)
            | Val::Struct(_)
            | Val::Repeated(_)
            | Val::Tuple(_)
            | Val::Index(_)
            | Val::Flag(_)
            | Val::Setting(_)
            | Val::List(_)
            | Val::Broken => Err(messages::not_a_size(at, &self.describe(val))),
        }
    }

    /// Two operands; a number takes the other's element type.
    pub fn two(
        &mut self,
        left: Val,
        right: Val,
        lt: &TokenStream,
        rt: &TokenStream,
    ) -> Checked<(Value, Value)> {
        for (tensor, tensor_at, number, at) in [(&left, lt, &right, rt), (&right, rt, &left, lt)] {
            if let (Val::Tensor(v), Val::Number(n)) = (tensor, number) {
                let ty = self.builder.type_of(*v);
                if ty.dtype.is_integer() && !n.integer {
                    let beside = Some((tensor_at, messages::tensor(ty)));
                    let error = messages::number_type(at, n.value, ty.dtype, beside);
                    return Err(self.report(error));
                }
            }
        }
        let hint = self.element(&left).or(self.element(&right));
        // A loop's index meets numbers as an integer, but those that have fractions, or may have, as a float.
        let hint = hint.or(match (&left, &right) {
            (Val::Index(_), other) | (other, Val::Index(_)) => match other {
                Val::Number(n) if !n.integer => Some(DType::Float),
                Val::Setting(_) => Some(DType::Float),
                _ => Some(DType::I32),
            },
            _ => None,
        });
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
            | Val::Counted(_)
            | Val::Struct(_)
            | Val::Repeated(_)
            | Val::Tuple(_)
            | Val::Index(_)
            | Val::Flag(_)
            | Val::Setting(_)
            | Val::List(_)
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
                    return Err(self.report(messages::inexact_division(op, a.value, b.value)));
                }
                quotient
            }
            syn::BinOp::Rem(_) => sinew_ir::remainder(a.value, b.value),
            syn::BinOp::BitAnd(_)
            | syn::BinOp::BitOr(_)
            | syn::BinOp::BitXor(_)
            | syn::BinOp::Shl(_)
            | syn::BinOp::Shr(_) => return Ok(bits(a, b, op)),
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
        let operands = WrittenOperand::pair((left.tokens, x), (right.tokens, y));
        let built = self.build(&a.name, a.op.name, &operands, |b| {
            compose::binary(b, op, x, y)
        })?;
        Ok(Val::Tensor(built))
    }

    /// Sums, differences, products and quotients of sizes and integers are sizes.
    fn sizes(&mut self, left: &Val, right: &Val, op: &syn::BinOp) -> Checked<Option<Dim>> {
        let dim = |val: &Val| match val {
            Val::Size(d) => Some(d.clone()),
            // Exact: integers of this size are.
            Val::Number(n) if n.integer && n.value.abs() < 9e15 => {
                Some(Dim::constant(n.value as i64))
            }
            Val::Number(_)
            | Val::Const(_)
            | Val::Counted(_)
            | Val::Tensor(_)
            | Val::Struct(_)
            | Val::Repeated(_)
            | Val::Tuple(_)
            | Val::Index(_)
            | Val::Flag(_)
            | Val::Setting(_)
            | Val::List(_)
            | Val::Broken => None,
        };
        let (Some(left), Some(right)) = (dim(left), dim(right)) else {
            return Ok(None);
        };
        let value = match op {
            syn::BinOp::Add(_) => left.checked_add(&right),
            syn::BinOp::Sub(_) => left.checked_sub(&right),
            syn::BinOp::Mul(_) => left.checked_mul(&right),
            syn::BinOp::Div(_) => left.floor_div(&right),
            _ => return Ok(None),
        };
        match (value, op) {
            (Some(value), _) => Ok(Some(value)),
            (None, syn::BinOp::Div(_)) => {
                Err(self.report(messages::dim_division(op.span(), &right)))
            }
            (None, _) => Err(self.overflow(op.span())),
        }
    }
}
