//! The pullback of a function as a function: what it gives, and what its arguments get of cotangents that
//! are arguments too.

use crate::attributes::AlongResult;
use crate::block::{Block, Inst};
use crate::builder::Builder;
use crate::call::{Call, CallMode, PullbackCall, Target};
use crate::function::{Function, Param, ParamKind, Value};
use crate::op::OpError;
use crate::ops::{self, rules::product};
use crate::shape::{Axis, Shape, Type};
use crate::structs::StructArgument;
use crate::symbol::{SymbolKind, SymbolSource, SymbolTerm};

/// Which cotangents a pullback takes, and which it gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VjpOf {
    /// Those of all float results: of all trained parameters and of all float inputs.
    All,
    /// That of the first result: of all float inputs.
    FirstByInputs,
}

/// The function that calls `callee`, under that name, and its pullback.
///
/// It takes what the callee takes, and behind it the cotangents of the callee's float results, or of the
/// first. It gives what the callee returns; then, if they are wanted, the gradients of all trained
/// parameters one behind the other, in one dim; then those of its float inputs. It leaves states as they are.
///
/// # Errors
/// Parameters that are too large together.
pub fn vjp(callee: &Function, name: &str, of: VjpOf) -> Result<Function, OpError> {
    let mut b = Builder::default();
    let mut params = callee.params.clone();
    let mut operands = Vec::with_capacity(params.len());
    for ty in &callee.values[..params.len()] {
        operands.push(b.value(ty.clone()));
    }
    let mut cotangents = Vec::with_capacity(callee.body.results.len());
    for (i, r) in callee.returned().iter().enumerate() {
        let ty = callee.type_of(*r).clone();
        let taken = of == VjpOf::All || i == 0;
        cotangents.push(match taken && ty.dtype.is_float() {
            true => {
                let mut name = format!("cotangent{i}");
                while params.iter().any(|p| p.name == name) {
                    name.push('_');
                }
                params.push(Param::input(&name));
                Some(b.value(ty))
            }
            false => None,
        });
    }
    cotangents.resize(callee.body.results.len(), None);
    let made = callee.body.results.iter();
    let made: Vec<Value> = made.map(|r| b.value(callee.type_of(*r).clone())).collect();
    let mut results = made[..callee.returned().len()].to_vec();
    b.insts.push(Inst::Call(Call {
        target: target(callee, name),
        mode: CallMode::Plain,
        operands,
        structs: arguments(callee),
        results: made.clone(),
        location: None,
    }));
    let (packed, inputs) = gradients(&mut b, callee, &made, cotangents, of);
    results.extend(pack(&mut b, &packed)?);
    results.extend(inputs);
    Ok(Function {
        name: format!("{}::vjp", callee.name),
        symbols: callee.symbols.clone(),
        constraints: callee.constraints.clone(),
        body: Block::body(params.len(), b.insts, results),
        values: b.values,
        params,
        structs: callee.structs.clone(),
        states: Vec::new(),
        pullback: None,
    })
}

/// The callee with its symbols as they are.
fn target(callee: &Function, name: &str) -> Target {
    let mut target = Target {
        name: name.to_string(),
        symbols: Vec::new(),
        sequence: None,
        maps: Vec::new(),
    };
    for d in &callee.symbols {
        match d.kind {
            SymbolKind::Value(ty, SymbolSource::Caller) => {
                let term = SymbolTerm::symbol(d.symbol.clone(), ty);
                target.symbols.push((d.symbol.clone(), term));
            }
            // Rustc gives those of the callee.
            SymbolKind::Value(_, SymbolSource::Rustc) => {}
            SymbolKind::Sequence => {
                let shape = Shape {
                    sequence: Some(d.symbol.clone()),
                    dims: Vec::new(),
                };
                target.sequence = Some((d.symbol.clone(), shape));
            }
        }
    }
    target
}

fn arguments(callee: &Function) -> Vec<StructArgument> {
    let arguments = callee.structs.iter().map(|s| StructArgument {
        type_name: s.type_name.clone(),
        leaves: s.leaves.clone(),
    });
    arguments.collect()
}

/// What trained parameters get, and what inputs.
fn gradients(
    b: &mut Builder,
    callee: &Function,
    made: &[Value],
    cotangents: Vec<Option<Value>>,
    of: VjpOf,
) -> (Vec<Value>, Vec<Value>) {
    let (mut packed, mut inputs, mut results) = (Vec::new(), Vec::new(), Vec::new());
    for (i, (param, ty)) in callee.params.iter().zip(&callee.values).enumerate() {
        let list = match param.kind {
            ParamKind::Param if of == VjpOf::All => &mut packed,
            ParamKind::Input if ty.dtype.is_float() => &mut inputs,
            ParamKind::Param | ParamKind::Input | ParamKind::State | ParamKind::Key => continue,
        };
        let gradient = b.value(ty.clone());
        list.push(gradient);
        results.push((i, gradient));
    }
    if let Some(call) = made.first()
        && !results.is_empty()
    {
        b.insts.push(Inst::PullbackCall(PullbackCall {
            call: *call,
            cotangents,
            results,
        }));
    }
    (packed, inputs)
}

/// Tensors one behind the other, in one dim; nothing of none.
fn pack(b: &mut Builder, tensors: &[Value]) -> Result<Option<Value>, OpError> {
    let mut rows = Vec::with_capacity(tensors.len());
    for v in tensors {
        let Type { shape, .. } = b.type_of(*v).clone();
        let row = Shape::new(vec![product(&shape.dims)?]);
        rows.push(b.reshape(*v, &row)?);
    }
    match rows[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        _ => {
            let axis = Axis::At(0);
            b.op(ops::CONCAT, &rows, AlongResult { axis }).map(Some)
        }
    }
}
