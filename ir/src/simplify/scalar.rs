//! Rules for elementwise ops.

use super::rewriter::Rewriter;
use crate::attribute::Attributes;
use crate::attributes::{Broadcast, Cast, Permute};
use crate::dtype::DType;
use crate::function::Value;
use crate::op::Op;
use crate::ops;
use crate::scalar::{Arithmetic, Bits, Logic, Scalar, UnaryNumber};
use crate::shape::{Axis, Shape, Type};

pub(super) fn simplify(
    r: &mut Rewriter,
    scalar: Scalar,
    op: Op,
    operands: &[Value],
    ty: &Type,
) -> Option<Value> {
    if let Some(numbers) = all_constant(r, operands) {
        let from = operands.last().map_or(ty.dtype, |v| r.dtype_of(*v));
        // Computed in f64 from what the elements are, and rounded once.
        let value = scalar.evaluate(from, ty.dtype, &numbers)?;
        return r.constant(ty.dtype.nearest(value), ty);
    }
    if let Some(v) = by_mask(r, op, operands, ty) {
        return Some(v);
    }
    algebra(r, scalar, operands, ty)
        .or_else(|| before_broadcast(r, op, operands, ty))
        .or_else(|| before_permute(r, op, operands, ty))
}

fn all_constant(r: &Rewriter, operands: &[Value]) -> Option<Vec<f64>> {
    let element = |v: &Value| Some(r.dtype_of(*v).nearest(r.constant_of(*v)?));
    operands.iter().map(element).collect()
}

fn algebra(r: &mut Rewriter, scalar: Scalar, operands: &[Value], ty: &Type) -> Option<Value> {
    let by_class = match (scalar, operands) {
        (Scalar::Arithmetic(of_two), &[a, b]) => arithmetic(r, of_two, a, b),
        (Scalar::Number(of_one), &[a]) => match of_one {
            UnaryNumber::Neg => neg(r, a),
            UnaryNumber::Abs => abs(r, a),
            UnaryNumber::Sign => None,
        },
        (Scalar::Logic(of_bools), _) => logic(r, of_bools, operands),
        (Scalar::Bits(of_two), &[a, b]) => bits(r, of_two, a, b),
        (Scalar::Select, &[c, a, b]) => select(r, c, a, b),
        (Scalar::Cast, &[a]) => cast(r, a, ty.dtype),
        (
            Scalar::Unary(_)
            | Scalar::Number(_)
            | Scalar::Arithmetic(_)
            | Scalar::Compare(_)
            | Scalar::Bits(_)
            | Scalar::Select
            | Scalar::Cast,
            _,
        ) => None,
    };
    by_class.or_else(|| match operands {
        &[a] if scalar.def().idempotent => under(r, scalar, a).map(|_| a),
        _ => None,
    })
}

fn arithmetic(r: &mut Rewriter, scalar: Arithmetic, a: Value, b: Value) -> Option<Value> {
    match scalar {
        Arithmetic::Add => add(r, a, b),
        Arithmetic::Sub => sub(r, a, b),
        Arithmetic::Mul => mul(r, a, b),
        Arithmetic::Div => div(r, a, b),
        Arithmetic::Maximum | Arithmetic::Minimum => (a == b).then_some(a),
        Arithmetic::Rem => None,
    }
}

fn logic(r: &mut Rewriter, scalar: Logic, operands: &[Value]) -> Option<Value> {
    match (scalar, operands) {
        (Logic::And | Logic::Or, &[a, b]) if a == b => Some(a),
        (Logic::And, &[a, b]) => and(r, a, b),
        (Logic::Or, &[a, b]) => or(r, a, b),
        (Logic::Not, &[a]) => not(r, a),
        (Logic::And | Logic::Or | Logic::Not, _) => None,
    }
}

/// What a zero does not change, and what it makes a zero.
fn bits(r: &mut Rewriter, scalar: Bits, a: Value, b: Value) -> Option<Value> {
    let zero = |v: Value| is(r, v, 0.0);
    match scalar {
        Bits::And if a == b || zero(a) => Some(a),
        Bits::Or if a == b || zero(b) => Some(a),
        Bits::And if zero(b) => Some(b),
        Bits::Or | Bits::Xor if zero(a) => Some(b),
        Bits::Xor | Bits::Shl | Bits::Shr | Bits::Rotl if zero(b) => Some(a),
        Bits::Xor if a == b => r.constant_like(0.0, a),
        Bits::And | Bits::Or | Bits::Xor | Bits::Shl | Bits::Shr | Bits::Rotl => None,
    }
}

/// The operand of `v`, if `v` is this instruction of one operand.
fn under(r: &Rewriter, scalar: Scalar, v: Value) -> Option<Value> {
    let d = r.definition(v)?;
    match (d.op.kind.scalar() == Some(scalar), d.operands.as_slice()) {
        (true, [x]) => Some(*x),
        (true | false, _) => None,
    }
}

fn operands_of<const N: usize>(r: &Rewriter, scalar: Scalar, v: Value) -> Option<[Value; N]> {
    let d = r.definition(v)?;
    match d.op.kind.scalar() == Some(scalar) {
        true => d.operands.as_slice().try_into().ok(),
        false => None,
    }
}

/// Whether `v` is the constant that adds nothing: -0 to a float, 0 to an integer.
fn is_no_addend(r: &Rewriter, v: Value) -> bool {
    match r.constant_of(v) {
        Some(c) => c == 0.0 && (c.is_sign_negative() || !r.is_float(v)),
        None => false,
    }
}

fn is(r: &Rewriter, v: Value, number: f64) -> bool {
    r.constant_of(v) == Some(number)
}

fn add(r: &mut Rewriter, a: Value, b: Value) -> Option<Value> {
    if is_no_addend(r, b) {
        return Some(a);
    }
    if is_no_addend(r, a) {
        return Some(b);
    }
    if let Some(y) = under(r, Scalar::NEG, b) {
        return r.make(ops::SUB, vec![a, y], Attributes::none());
    }
    if let Some(x) = under(r, Scalar::NEG, a) {
        return r.make(ops::SUB, vec![b, x], Attributes::none());
    }
    if let Some(y) = under_broadcast_neg(r, b) {
        return r.make(ops::SUB, vec![a, y], Attributes::none());
    }
    let x = under_broadcast_neg(r, a)?;
    r.make(ops::SUB, vec![b, x], Attributes::none())
}

/// The broadcast of `x`, if `v` is the broadcast of `-x`.
fn under_broadcast_neg(r: &mut Rewriter, v: Value) -> Option<Value> {
    let (inner, Broadcast { new, .. }) = r.seen(v)?;
    let x = under(r, Scalar::NEG, inner)?;
    let new = new.to_vec();
    let shape = r.shape_of(v).clone();
    r.broadcast(x, shape, new)
}

fn sub(r: &mut Rewriter, a: Value, b: Value) -> Option<Value> {
    // x - (+0) is x for both zeros.
    if r.constant_of(b)
        .is_some_and(|c| c == 0.0 && c.is_sign_positive())
    {
        return Some(a);
    }
    if !r.is_float(a) && a == b {
        return r.constant_like(0.0, a);
    }
    let y = match under(r, Scalar::NEG, b) {
        Some(y) => y,
        None => under_broadcast_neg(r, b)?,
    };
    r.make(ops::ADD, vec![a, y], Attributes::none())
}

fn mul(r: &mut Rewriter, a: Value, b: Value) -> Option<Value> {
    for (x, c) in [(a, b), (b, a)] {
        if is(r, c, 1.0) {
            return Some(x);
        }
        if is(r, c, -1.0) && r.dtype_of(x) != DType::U32 {
            return r.make(ops::NEG, vec![x], Attributes::none());
        }
        if is(r, c, 0.0) && !r.is_float(x) {
            return Some(c);
        }
        if let (Some(number), Some(y)) = (r.constant_of(c), under(r, Scalar::NEG, x))
            && r.is_float(x)
        {
            let negative = r.constant_like(-number, c)?;
            return r.make(ops::MUL, vec![y, negative], Attributes::none());
        }
    }
    negated(r, ops::MUL, a, b)
}

/// A product or quotient of negated operands: the sign goes outside, where a sum may take it in.
fn negated(r: &mut Rewriter, op: Op, a: Value, b: Value) -> Option<Value> {
    if !r.is_float(a) {
        return None;
    }
    match (under(r, Scalar::NEG, a), under(r, Scalar::NEG, b)) {
        (Some(x), Some(y)) => r.make(op, vec![x, y], Attributes::none()),
        (Some(x), None) => {
            let inner = r.make(op, vec![x, b], Attributes::none())?;
            r.make(ops::NEG, vec![inner], Attributes::none())
        }
        (None, Some(y)) => {
            let inner = r.make(op, vec![a, y], Attributes::none())?;
            r.make(ops::NEG, vec![inner], Attributes::none())
        }
        (None, None) => None,
    }
}

fn div(r: &mut Rewriter, a: Value, b: Value) -> Option<Value> {
    let Some(number) = r.constant_of(b) else {
        return negated(r, ops::DIV, a, b);
    };
    if number == 1.0 {
        return Some(a);
    }
    // The reciprocal of a power of two is exact while it is a normal f32, or an element of another type.
    let dtype = r.dtype_of(b);
    let holds = |x: f64| dtype.nearest(x) == x;
    let exact = number.to_bits() << 12 == 0 && (-100..100).contains(&exponent(number));
    let exact = exact && holds(number) && holds(1.0 / number);
    if exact && r.is_float(a) {
        let reciprocal = r.constant_like(1.0 / number, b)?;
        return r.make(ops::MUL, vec![a, reciprocal], Attributes::none());
    }
    negated(r, ops::DIV, a, b)
}

/// The exponent of a number; out of reach for zero, infinities and NaN.
fn exponent(number: f64) -> i32 {
    let biased = (number.to_bits() >> 52) & 0x7ff;
    i32::try_from(biased).map_or(i32::MAX, |b| b - 1023)
}

fn neg(r: &mut Rewriter, a: Value) -> Option<Value> {
    if let Some(x) = under(r, Scalar::NEG, a) {
        return Some(x);
    }
    if !r.is_float(a) || !r.single(a) {
        return None;
    }
    for scalar in [Scalar::MUL, Scalar::DIV] {
        let Some([x, y]) = operands_of(r, scalar, a) else {
            continue;
        };
        let op = r.definition(a)?.op;
        if let Some(number) = r.constant_of(y) {
            let negative = r.constant_like(-number, y)?;
            return r.make(op, vec![x, negative], Attributes::none());
        }
        if let Some(number) = r.constant_of(x) {
            let negative = r.constant_like(-number, x)?;
            return r.make(op, vec![negative, y], Attributes::none());
        }
    }
    None
}

fn not(r: &mut Rewriter, a: Value) -> Option<Value> {
    if let Some(x) = under(r, Scalar::NOT, a) {
        return Some(x);
    }
    // `not (a < b)` is no `b <= a`: both are false for NaN. Equality and its opposite do pair.
    if let Some([x, y]) = operands_of(r, Scalar::EQ, a) {
        return r.make(ops::NE, vec![x, y], Attributes::none());
    }
    let [x, y] = operands_of(r, Scalar::NE, a)?;
    r.make(ops::EQ, vec![x, y], Attributes::none())
}

fn abs(r: &mut Rewriter, a: Value) -> Option<Value> {
    // -x of a u32 wraps: it is no less positive than x.
    if let Some(x) = under(r, Scalar::NEG, a)
        && r.dtype_of(a) != DType::U32
    {
        return r.make(ops::ABS, vec![x], Attributes::none());
    }
    None
}

fn and(r: &Rewriter, a: Value, b: Value) -> Option<Value> {
    match (r.constant_of(a), r.constant_of(b)) {
        (Some(c), _) => Some(if c == 0.0 { a } else { b }),
        (_, Some(c)) => Some(if c == 0.0 { b } else { a }),
        (None, None) => None,
    }
}

fn or(r: &Rewriter, a: Value, b: Value) -> Option<Value> {
    match (r.constant_of(a), r.constant_of(b)) {
        (Some(c), _) => Some(if c == 0.0 { b } else { a }),
        (_, Some(c)) => Some(if c == 0.0 { a } else { b }),
        (None, None) => None,
    }
}

fn select(r: &mut Rewriter, c: Value, a: Value, b: Value) -> Option<Value> {
    if let Some(condition) = r.constant_of(c) {
        return Some(if condition == 0.0 { b } else { a });
    }
    let same_number = match (r.constant_of(a), r.constant_of(b)) {
        (Some(x), Some(y)) => x.to_bits() == y.to_bits(),
        (Some(_), None) | (None, _) => false,
    };
    if a == b || same_number {
        return Some(a);
    }
    if let Some(opposite) = under(r, Scalar::NOT, c) {
        return r.make(ops::SELECT, vec![opposite, b, a], Attributes::none());
    }
    if let Some([inner, x, _]) = operands_of(r, Scalar::SELECT, a)
        && inner == c
    {
        return r.make(ops::SELECT, vec![c, x, b], Attributes::none());
    }
    if let Some([inner, _, y]) = operands_of(r, Scalar::SELECT, b)
        && inner == c
    {
        return r.make(ops::SELECT, vec![c, a, y], Attributes::none());
    }
    None
}

fn cast(r: &mut Rewriter, a: Value, to: DType) -> Option<Value> {
    let from = r.dtype_of(a);
    if from == to {
        return Some(a);
    }
    let x = under(r, Scalar::CAST, a)?;
    let first = r.dtype_of(x);
    // Widening and back, or widening twice.
    let lossless = match (first, from) {
        (DType::F32 | DType::I32 | DType::U32, DType::F64) | (DType::Bool, _) => true,
        (DType::F16 | DType::Bf16, DType::F32 | DType::F64) => true,
        (
            DType::Float
            | DType::F32
            | DType::F64
            | DType::F16
            | DType::Bf16
            | DType::I32
            | DType::U32,
            _,
        ) => false,
    };
    // Halves are cast to and from f32 alone.
    let wide = !first.is_half() && !to.is_half();
    // Out of range, an integer wraps to the other type of integers, and a float saturates.
    let wraps = first.is_integer() && to.is_integer();
    match lossless {
        true if first == to => Some(x),
        true if wide && !wraps => r.make(ops::CAST, vec![x], Cast { dtype: to }),
        true | false => None,
    }
}

/// Elementwise after broadcasts is a broadcast after the elementwise, as far as all of them repeat
/// along the same axes: the same numbers, computed fewer times.
fn before_broadcast(r: &mut Rewriter, op: Op, operands: &[Value], ty: &Type) -> Option<Value> {
    let mut common: Option<Vec<Axis>> = None;
    for v in operands {
        if r.constant_of(*v).is_some() {
            continue;
        }
        let (_, Broadcast { new, .. }) = r.seen(*v)?;
        match &mut common {
            None => common = Some(new.to_vec()),
            Some(c) => c.retain(|a| new.contains(a)),
        }
    }
    let common = common.filter(|c| !c.is_empty())?;
    let rest: Vec<Axis> = ty.shape.axes();
    let rest: Vec<Axis> = rest.into_iter().filter(|a| !common.contains(a)).collect();
    let small = ty.shape.select(&rest)?;
    let mut narrowed = Vec::with_capacity(operands.len());
    for v in operands {
        narrowed.push(narrow(r, *v, &rest, &small)?);
    }
    let inner = again(r, op, narrowed, ty)?;
    r.broadcast(inner, ty.shape.clone(), common)
}

/// The same op of other operands: only a cast has an attribute, which is its result's type.
fn again(r: &mut Rewriter, op: Op, operands: Vec<Value>, ty: &Type) -> Option<Value> {
    match op.kind.scalar() == Some(Scalar::Cast) {
        true => r.make(op, operands, Cast { dtype: ty.dtype }),
        false => r.make(op, operands, Attributes::none()),
    }
}

/// The operand over the axes that are left, `rest` of the whole shape.
fn narrow(r: &mut Rewriter, v: Value, rest: &[Axis], small: &Shape) -> Option<Value> {
    if let Some(number) = r.constant_of(v) {
        let ty = Type::new(r.dtype_of(v), small.clone());
        return r.constant(number, &ty);
    }
    let (x, Broadcast { new, .. }) = r.seen(v)?;
    let small_axes = small.axes();
    let kept: Vec<Axis> = rest
        .iter()
        .zip(&small_axes)
        .filter(|(a, _)| new.contains(a))
        .map(|(_, s)| *s)
        .collect();
    r.broadcast(x, small.clone(), kept)
}

/// Elementwise of operands that are all permuted alike: permuted afterwards, where a contraction or
/// another permutation may take it in.
fn before_permute(r: &mut Rewriter, op: Op, operands: &[Value], ty: &Type) -> Option<Value> {
    let mut axes: Option<Vec<Axis>> = None;
    for v in operands {
        if r.constant_of(*v).is_some() {
            continue;
        }
        let (_, Permute { axes: found }) = r.seen(*v)?;
        match &axes {
            None => axes = Some(found.to_vec()),
            Some(a) if a == found => {}
            Some(_) => return None,
        }
    }
    let axes = axes?;
    let mut before = Vec::with_capacity(operands.len());
    for v in operands {
        before.push(match r.constant_of(*v) {
            Some(number) => {
                let back = super::view::inverse(&axes, &ty.shape)?;
                let ty = Type::new(r.dtype_of(*v), ty.shape.select(&back)?);
                r.constant(number, &ty)?
            }
            None => r.seen::<Permute>(*v)?.0,
        });
    }
    let inner = again(r, op, before, ty)?;
    r.permute(inner, axes)
}

/// Whether `c` is `x <= 0`.
fn is_mask_of(r: &Rewriter, c: Value, x: Value) -> bool {
    match operands_of(r, Scalar::LE, c) {
        Some([left, zero]) => left == x && is(r, zero, 0.0),
        None => false,
    }
}

/// Notes `y = select(x <= 0, 0, x)`: from there on `y <= 0` tells the same (both are true at and
/// below 0, and false at NaN), so that a pullback keeps `y`, which the next layer needs anyway, and
/// not `x` or the mask.
pub(super) fn remember_mask(r: &mut Rewriter, y: Value) {
    if let Some([c, zero, x]) = operands_of(r, Scalar::SELECT, y)
        && is(r, zero, 0.0)
        && is_mask_of(r, c, x)
    {
        r.masks.entry(c).or_insert(y);
    }
}

fn by_mask(r: &mut Rewriter, op: Op, operands: &[Value], ty: &Type) -> Option<Value> {
    if r.masks.is_empty() {
        return None;
    }
    let known = operands.iter().any(|v| r.masks.contains_key(v));
    if !known || defines_mask(r, operands) {
        return None;
    }
    let mut operands = operands.to_vec();
    for v in &mut operands {
        if let Some(y) = r.masks.get(v).copied() {
            let zero = r.constant_like(0.0, y)?;
            *v = r.make(ops::LE, vec![y, zero], Attributes::none())?;
        }
    }
    again(r, op, operands, ty)
}

/// Whether these are the operands of the select that a mask was noted for.
fn defines_mask(r: &Rewriter, operands: &[Value]) -> bool {
    match operands {
        &[c, zero, x] => is(r, zero, 0.0) && is_mask_of(r, c, x),
        _ => false,
    }
}
