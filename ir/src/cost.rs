//! What one forward call of a function takes, as formulas in its symbols.
//!
//! Operations count one FLOP for each scalar instruction on each element that has floats in it, whatever
//! the instruction; a contraction two for each product that it sums, a reduction one for each element that
//! it reads. What moves, selects or casts elements counts none, and so does what is done on integers and
//! bools alone. A choice counts as its first alternative, a call over an axis once for each slice. A
//! sequence counts as one dim of its name. Nothing is fused or
//! left out: it is the function as written.

use crate::attributes::DotAxes;
use crate::block::{Block, Inst, OpInst};
use crate::call::{Call, CallMode, Target};
use crate::decompose::decompose;
use crate::dim::{Dim, Symbol};
use crate::function::{Function, ParamKind, Value};
use crate::op::{Kind, Scan};
use crate::scalar::Scalar;
use crate::shape::{Axis, Shape, Type};
use crate::symbol::{SymbolTerm, SymbolValue};
use crate::unit::Unit;
use std::collections::HashMap;

/// The bytes of an element of the working float: those of f32.
const FLOAT_BYTES: i64 = 4;

/// What one call takes. A formula is `None` where it has too many terms, or such that do not fit 64 bits.
#[derive(Clone, PartialEq, Debug)]
pub struct Cost {
    /// The elements of the parameters that it trains.
    pub parameters: Option<Dim>,
    /// The floating-point operations, as the module counts them.
    pub flops: Option<Dim>,
    /// The bytes of arguments, parameters, states and results, each once, a working float as f32.
    pub bytes: Option<Dim>,
}

/// What one call of a unit's function takes, with the functions that it calls.
pub fn cost(unit: &Unit) -> Cost {
    let numbers = numbers(unit);
    let number = |d: Dim| d.substitute(&|s| numbers.get(s).cloned()).ok();
    let mut known = HashMap::new();
    let flops = flops_of_unit(unit, &mut known);
    match unit.function() {
        Ok(function) => Cost {
            parameters: parameters(&function).and_then(number),
            flops,
            bytes: bytes(&function).and_then(number),
        },
        Err(_) => Cost {
            parameters: None,
            flops: None,
            bytes: None,
        },
    }
}

/// The elements of the parameters that a function trains.
pub fn parameters(function: &Function) -> Option<Dim> {
    let params = function.params.iter().zip(&function.values);
    let trained = params.filter(|(p, _)| p.kind == ParamKind::Param);
    sum(trained.map(|(_, ty)| elements(&ty.shape)))
}

/// The bytes of what goes in and comes out.
pub fn bytes(function: &Function) -> Option<Dim> {
    let params = function.values.iter().take(function.params.len());
    let results = function.returned().iter();
    let types = params.chain(results.filter_map(|v| function.values.get(v.index())));
    let of_type = |ty: &Type| {
        let size = ty.dtype.size().and_then(|s| i64::try_from(s).ok());
        let size = Dim::constant(size.unwrap_or(FLOAT_BYTES));
        elements(&ty.shape)?.checked_mul(&size)
    };
    sum(types.map(of_type))
}

/// The operations of a function, where `callee` gives those of what it calls, in the callee's symbols.
pub fn flops(function: &Function, callee: &mut dyn FnMut(&str) -> Option<Dim>) -> Option<Dim> {
    let mut plain = function.clone();
    plain.pullback = None;
    decompose(&mut plain).ok()?;
    of_block(&plain.body, &plain.values, callee)
}

fn flops_of_unit(unit: &Unit, known: &mut HashMap<*const u8, Option<Dim>>) -> Option<Dim> {
    // Texts are statics: one address is one function.
    let key = unit.text.as_ptr();
    if let Some(found) = known.get(&key) {
        return found.clone();
    }
    let function = unit.function().ok();
    let found = function.and_then(|function| {
        let found = flops(&function, &mut |name| {
            let (_, callee) = unit.callees.iter().find(|(known, _)| *known == name)?;
            flops_of_unit(callee, known)
        })?;
        let numbers = numbers(unit);
        found.substitute(&|s| numbers.get(s).cloned()).ok()
    });
    known.insert(key, found.clone());
    found
}

/// The sizes among a unit's Rust consts.
fn numbers(unit: &Unit) -> HashMap<Symbol, Dim> {
    let consts = unit.consts.iter().filter_map(|(name, value)| match value {
        SymbolValue::Size(size) => Some((Symbol::new(name), Dim::from(*size))),
        SymbolValue::Float(_) | SymbolValue::Bool(_) => None,
    });
    consts.collect()
}

fn of_block(
    block: &Block,
    types: &[Type],
    callee: &mut dyn FnMut(&str) -> Option<Dim>,
) -> Option<Dim> {
    let mut total = Dim::constant(0);
    for inst in &block.insts {
        let more = match inst {
            Inst::Op(op) => of_op(op, types)?,
            Inst::Call(call) => of_call(call, callee)?,
            Inst::Loop(l) => of_block(&l.body, types, callee)?.checked_mul(&l.trip)?,
            Inst::PullbackCall(_) => Dim::constant(0),
        };
        total = total.checked_add(&more)?;
    }
    Some(total)
}

fn of_call(call: &Call, callee: &mut dyn FnMut(&str) -> Option<Dim>) -> Option<Dim> {
    let (target, mut times) = match &call.mode {
        // Of a call with a rule, the rule is part of the derivative.
        CallMode::Plain | CallMode::Checkpoint | CallMode::Rule(_) | CallMode::ByRule => {
            (&call.target, Dim::constant(1))
        }
        CallMode::Loop(l) => (&call.target, l.trip.clone()),
        CallMode::Choice(alternatives) => {
            let first = alternatives.first().map(|a| &a.target);
            (first.unwrap_or(&call.target), Dim::constant(1))
        }
    };
    for map in &target.maps {
        times = times.checked_mul(&map.extent)?;
    }
    let inside = callee(&target.name)?;
    here(target, &inside)?.checked_mul(&times)
}

/// A formula of a callee in the caller's symbols.
fn here(target: &Target, inside: &Dim) -> Option<Dim> {
    let mut terms: HashMap<&Symbol, Dim> = HashMap::new();
    for (symbol, term) in &target.symbols {
        if let SymbolTerm::Size(dim) = term {
            terms.insert(symbol, dim.clone());
        }
    }
    if let Some((symbol, shape)) = &target.sequence {
        terms.insert(symbol, elements(shape)?);
    }
    inside.substitute(&|s| terms.get(s).cloned()).ok()
}

pub(crate) fn of_op(inst: &OpInst, types: &[Type]) -> Option<Dim> {
    let ty = |v: &Value| types.get(v.index());
    let values = inst.operands.iter().chain([&inst.result]);
    if !values.filter_map(ty).any(|t| t.dtype.is_float()) {
        return Some(Dim::constant(0));
    }
    let shape = |v: &Value| ty(v).map(|t| &t.shape);
    let result = elements(shape(&inst.result)?)?;
    let operand = |i: usize| elements(shape(inst.operands.get(i)?)?);
    let times = |n: i64, d: &Dim| d.checked_mul(&Dim::constant(n));
    match inst.op.kind {
        Kind::Elementwise(Scalar::Select | Scalar::Cast) => Some(Dim::constant(0)),
        Kind::Elementwise(_) => Some(result),
        Kind::Reduce(_) => operand(0),
        Kind::Contract => {
            let axes = DotAxes::from_attributes(&inst.attributes).ok()?;
            let x = shape(inst.operands.first()?)?;
            let summed = product(axes.contract_x.iter().map(|a| extent(x, *a)))?;
            times(2, &result.checked_mul(&summed)?)
        }
        Kind::Scan(Scan::Sum | Scan::Product) => operand(0),
        Kind::Scan(Scan::Linear) => times(2, &operand(0)?),
        Kind::Scatter => operand(2),
        Kind::Constant
        | Kind::Iota
        | Kind::Extent
        | Kind::Run(_)
        | Kind::View(_)
        | Kind::Concat
        | Kind::Gather
        | Kind::Sort
        | Kind::Identity
        | Kind::Barrier
        | Kind::Probe(_)
        // Nothing is left of these.
        | Kind::Function(_) => Some(Dim::constant(0)),
    }
}

fn extent(shape: &Shape, axis: Axis) -> Option<Dim> {
    match axis {
        Axis::Sequence => shape.sequence.clone().map(Dim::from),
        Axis::At(i) => shape.dims.get(i).cloned(),
    }
}

/// The number of elements; a sequence as one dim of its name.
fn elements(shape: &Shape) -> Option<Dim> {
    product(shape.axes().into_iter().map(|a| extent(shape, a)))
}

fn product(dims: impl Iterator<Item = Option<Dim>>) -> Option<Dim> {
    let mut out = Dim::constant(1);
    for dim in dims {
        out = out.checked_mul(&dim?)?;
    }
    Some(out)
}

fn sum(dims: impl Iterator<Item = Option<Dim>>) -> Option<Dim> {
    let mut out = Dim::constant(0);
    for dim in dims {
        out = out.checked_add(&dim?)?;
    }
    Some(out)
}
