//! Functions in a body, written as closures, over an axis of what they take.
//!
//! The closure is lowered for one slice, and its call is mapped: what is computed of all slices at once is
//! made where the call is inlined, with all that the closure calls.

use super::derivatives::{leaves, with_leaves};
use crate::errors::{Checked, Reported};
use crate::lower::Lowerer;
use crate::lower::arguments::Arguments;
use crate::lower::build::WrittenOperand;
use crate::lower::call::Given;
use crate::lower::value::{StructVal, Val};
use crate::messages;
use quote::ToTokens;
use sinew_ir::{Axis, Call, Dim, Inst, Map, Value};

/// The positions of the arguments.
const AXIS: usize = 2;
const OUT_AXIS: usize = 3;

impl Lowerer<'_, '_> {
    /// `vmap(|x| f(x), x)`
    pub fn vmap(&mut self, a: &Arguments<'_>) -> Checked<Val> {
        let axis = self.axis_arg(a, AXIS)?;
        let out_axis = self.axis_arg(a, OUT_AXIS)?;
        let mut given = self.behind(a, a.many())?;
        self.checked_closure(a, given.len())?;
        let mut extent: Option<Dim> = None;
        for argument in &mut given {
            argument.val = self.in_front(a, argument, axis, &mut extent)?;
        }
        let Some(extent) = extent else {
            return Err(self.report(messages::map_of_nothing(&a.tokens(1))));
        };
        let operands: Vec<Value> = given.iter().flat_map(|g| leaves(&g.val)).collect();
        let values = self.builder.values.len();
        let before = self.open_closure();
        let mut params = Vec::with_capacity(operands.len());
        for v in &operands {
            let slice = self.builder.type_of(*v).slice(0).ok_or(Reported)?;
            params.push(self.builder.value(slice));
        }
        for argument in &mut given {
            argument.val = without_axis(&argument.val);
        }
        let value = self.closure_result(a, &given, &params);
        let (part, value) = self.close_closure(&before, value)?;
        if let Some((place, _)) = part.changed.first() {
            let param = self.parameters.places[*place].param;
            let path = self.parameters.params[param].name.clone();
            return Err(self.report(messages::map_changes_state(&a.tokens(0), &path)));
        }
        let results = leaves(&value);
        if results.is_empty() {
            return Err(self.report(messages::map_of_nothing(&a.tokens(0))));
        }
        let inside = self.builder.values[values..].iter();
        let captured = results.iter().map(|v| self.builder.type_of(*v));
        if let Some(ty) = inside.chain(captured).find(|t| t.shape.sequence.is_some()) {
            let error = messages::map_of_a_sequence(&a.tokens(0), ty);
            return Err(self.report(error));
        }
        let lifted = self.lift("closure", part.start, &params, &results);
        let mut mapped = vec![true; operands.len()];
        mapped.resize(operands.len() + lifted.captured.len(), false);
        let mut target = lifted.target;
        target.maps.push(Map {
            extent: extent.clone(),
            mapped,
        });
        self.locate(a.name.span());
        let mut made = Vec::with_capacity(results.len());
        for r in &results {
            let ty = self.builder.type_of(*r).stack(0, extent.clone());
            made.push(self.builder.value(ty.ok_or(Reported)?));
        }
        let all = operands.iter().chain(&lifted.captured).copied().collect();
        let call = Call::plain(target, all, made.clone(), self.builder.location);
        self.builder.insts.push(Inst::Call(call));
        let value = with_axis(&value);
        if out_axis != 0 {
            for v in &mut made {
                *v = self.out_in_place(a, *v, out_axis)?;
            }
        }
        Ok(with_leaves(&value, &mut made.into_iter()))
    }

    /// An argument with the axis that is mapped in front, whose extent is that of the others.
    fn in_front(
        &mut self,
        a: &Arguments<'_>,
        argument: &Given,
        axis: i64,
        extent: &mut Option<Dim>,
    ) -> Checked<Val> {
        let at = &argument.tokens;
        if let Some(s) = structs(&argument.val).find(|s| s.mapped == 0) {
            let signature = &self.scope.registry.structs[s.structure].signature;
            return Err(self.report(messages::map_of_a_model(at, signature)));
        }
        let mut now = Vec::new();
        for v in leaves(&argument.val) {
            let ty = self.builder.type_of(v).clone();
            if ty.shape.sequence.is_some() {
                return Err(self.report(messages::map_of_a_sequence(at, &ty)));
            }
            let Some(from) = position(axis, ty.shape.len()) else {
                return Err(self.report(messages::map_axis(at, &a.name, axis, &ty)));
            };
            let dim = ty.shape.dims[from].clone();
            match extent {
                None => *extent = Some(dim),
                Some(known) => {
                    let known = known.clone();
                    let message = messages::map_extents(at, &known, &ty, &dim);
                    self.equal(&dim, &known, &message)?;
                    // Where rustc is to say that two consts are equal, one of them stands for both.
                    *extent = Some(self.dim(&known)?);
                }
            }
            let others = (0..ty.shape.len()).filter(|i| *i != from);
            let order: Vec<Axis> = [from].into_iter().chain(others).map(Axis::At).collect();
            let operand = [WrittenOperand::new(at, v)];
            now.push(self.build(at, "vmap", &operand, |b| b.permute(v, &order))?);
        }
        Ok(with_leaves(&argument.val, &mut now.into_iter()))
    }

    /// A result whose first axis goes to where it is asked for.
    fn out_in_place(&mut self, a: &Arguments<'_>, v: Value, axis: i64) -> Checked<Value> {
        let ty = self.builder.type_of(v).clone();
        let at = a.tokens(OUT_AXIS);
        let Some(to) = position(axis, ty.shape.len()) else {
            return Err(self.report(messages::map_axis(&at, &a.name, axis, &ty)));
        };
        let mut order: Vec<Axis> = (1..ty.shape.len()).map(Axis::At).collect();
        order.insert(to, Axis::At(0));
        let operand = [WrittenOperand::new(&at, v)];
        self.build(&at, "vmap", &operand, |b| b.permute(v, &order))
    }

    /// What a closure gives for the slices that its parameters are: structs stay structs.
    fn closure_result(
        &mut self,
        a: &Arguments<'_>,
        given: &[Given],
        params: &[Value],
    ) -> Checked<Val> {
        let closure = self.closure(a)?;
        let val = self.in_closure(closure, given, params)?;
        self.with_tensors_in(val, &closure.body.to_token_stream())
    }
}

/// An axis from the left, of a shape of that many dims.
fn position(axis: i64, rank: usize) -> Option<usize> {
    let rank = i64::try_from(rank).ok()?;
    let from_left = if axis < 0 { axis + rank } else { axis };
    let at = usize::try_from(from_left).ok()?;
    (from_left < rank).then_some(at)
}

/// The structs in a value.
fn structs(val: &Val) -> Box<dyn Iterator<Item = &StructVal> + '_> {
    match val {
        Val::Struct(s) => Box::new([s].into_iter()),
        Val::Tuple(parts) => Box::new(parts.iter().flat_map(structs)),
        _ => Box::new([].into_iter()),
    }
}

fn with_mapped(val: &Val, mapped: &dyn Fn(usize) -> usize) -> Val {
    match val {
        Val::Struct(s) => Val::Struct(StructVal {
            mapped: mapped(s.mapped),
            ..s.clone()
        }),
        Val::Tuple(parts) => Val::Tuple(parts.iter().map(|p| with_mapped(p, mapped)).collect()),
        other => other.clone(),
    }
}

/// A value whose parameters have an axis more than are declared.
fn with_axis(val: &Val) -> Val {
    with_mapped(val, &|mapped| mapped + 1)
}

/// One of its slices.
fn without_axis(val: &Val) -> Val {
    with_mapped(val, &|mapped| mapped.saturating_sub(1))
}
