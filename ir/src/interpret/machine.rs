//! A run of a function: its values, and its instructions one after the other.

use super::InterpretError;
use super::instruction::result_of;
use crate::array::{Array, count};
use crate::block::{Block, Inst, Loop, OpInst};
use crate::dtype::DType;
use crate::function::{Function, Value};
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Looks at each op's result before it is used, and tells whether to go on.
pub(super) type Watch<'w> =
    dyn FnMut(&Machine<'_>, &OpInst, &mut Array) -> Result<ControlFlow<()>, InterpretError> + 'w;

/// A run of a function.
pub(super) struct Machine<'f> {
    pub(super) function: &'f Function,
    /// What each value is now; a program's values together take many times its working memory, so each
    /// goes with its last use.
    pub(super) values: Vec<Option<Array>>,
    /// The position in the function's body of the instruction that runs.
    pub(super) index: usize,
}

impl<'f> Machine<'f> {
    pub(super) fn new(function: &'f Function, inputs: &[Array]) -> Result<Self, InterpretError> {
        if inputs.len() != function.params.len() {
            return Err(InterpretError::Inputs {
                expected: function.params.len(),
                found: inputs.len(),
            });
        }
        let mut values: Vec<Option<Array>> = vec![None; function.values.len()];
        for (i, input) in inputs.iter().enumerate() {
            let expected = &function.values[i];
            if *expected != input.type_of() || count(&input.shape) != input.data.len() {
                return Err(InterpretError::Input {
                    name: function.params[i].name.clone(),
                    expected: expected.clone(),
                    found: input.type_of(),
                });
            }
            values[i] = Some(input.clone());
        }
        Ok(Machine {
            function,
            values,
            index: 0,
        })
    }

    pub(super) fn value(&self, v: Value) -> Result<&Array, InterpretError> {
        // The verifier refuses uses before definitions; an unlinked function may still have them.
        let found = self.values.get(v.index()).and_then(Option::as_ref);
        found.ok_or_else(|| InterpretError::NotLinked(v.to_string()))
    }

    fn set(&mut self, v: Value, array: Array) -> Result<(), InterpretError> {
        let place = self.values.get_mut(v.index());
        *place.ok_or_else(|| InterpretError::NotLinked(v.to_string()))? = Some(array);
        Ok(())
    }

    /// Runs a function's body, or as much of it as is watched.
    pub(super) fn body(
        &mut self,
        block: &Block,
        watch: &mut Watch<'_>,
    ) -> Result<(), InterpretError> {
        let dead = last_uses(block);
        for (index, (inst, dead)) in block.insts.iter().zip(&dead).enumerate() {
            self.index = index;
            if self.inst(inst, watch)?.is_break() {
                break;
            }
            self.release(dead);
        }
        Ok(())
    }

    fn release(&mut self, dead: &[Value]) {
        for v in dead {
            if let Some(value) = self.values.get_mut(v.index()) {
                *value = None;
            }
        }
    }

    fn inst(
        &mut self,
        inst: &Inst,
        watch: &mut Watch<'_>,
    ) -> Result<ControlFlow<()>, InterpretError> {
        match inst {
            Inst::Op(i) => {
                let mut result = result_of(self, i)?;
                let flow = watch(self, i, &mut result)?;
                self.set(i.result, result)?;
                Ok(flow)
            }
            Inst::Loop(l) => self.iterate(l, watch),
            Inst::Call(_) | Inst::PullbackCall(_) => {
                Err(InterpretError::NotLinked(self.function.name.clone()))
            }
        }
    }

    fn iterate(
        &mut self,
        l: &Loop,
        watch: &mut Watch<'_>,
    ) -> Result<ControlFlow<()>, InterpretError> {
        let dead = last_uses(&l.body);
        let unbound = |v: Value| InterpretError::Unbound(self.function.type_of(v).clone());
        let Some((&index, trip)) = l.body.params.first().zip(l.trip.as_extent()) else {
            return Err(InterpretError::NotLinked(self.function.name.clone()));
        };
        let mut stacks = Vec::new();
        for (_, _, result) in l.stacks() {
            let ty = self.function.type_of(result);
            let shape = ty.shape.extents().ok_or_else(|| unbound(result))?;
            stacks.push(Array::filled(ty.dtype, &shape, 0.0));
        }
        let carried = l.carried.iter().map(|v| self.value(*v).cloned());
        let mut carried: Vec<Array> = carried.collect::<Result<_, _>>()?;
        for at in l.order.indices(trip) {
            self.set(index, Array::filled(DType::I32, &[], at as f64))?;
            for (param, value) in l.carried_params().iter().zip(carried) {
                self.set(*param, value)?;
            }
            for (param, s) in l.slice_params().iter().zip(&l.sliced) {
                let slice = self.value(s.value)?.slice(s.axis, at);
                self.set(*param, slice)?;
            }
            for (inst, dead) in l.body.insts.iter().zip(&dead) {
                if self.inst(inst, watch)?.is_break() {
                    return Ok(ControlFlow::Break(()));
                }
                self.release(dead);
            }
            let next = l.body.results.iter().take(l.carried.len());
            carried = next
                .map(|v| self.value(*v).cloned())
                .collect::<Result<_, _>>()?;
            for ((value, axis, _), stack) in l.stacks().zip(&mut stacks) {
                stack.set_slice(axis, at, self.value(value)?);
            }
        }
        for (result, array) in l.results.iter().zip(carried.into_iter().chain(stacks)) {
            self.set(*result, array)?;
        }
        Ok(ControlFlow::Continue(()))
    }
}

/// For each instruction, the values of its own block that nothing in the block uses behind it.
fn last_uses(block: &Block) -> Vec<Vec<Value>> {
    let mut last: HashMap<Value, usize> = block.params.iter().map(|v| (*v, 0)).collect();
    for (index, inst) in block.insts.iter().enumerate() {
        inst.each_operand(&mut |v| {
            if let Some(last) = last.get_mut(&v) {
                *last = index;
            }
        });
        inst.each_result(&mut |v| {
            last.insert(v, index);
        });
    }
    for r in &block.results {
        last.remove(r);
    }
    let mut out = vec![Vec::new(); block.insts.len()];
    for (value, index) in last {
        if let Some(dead) = out.get_mut(index) {
            dead.push(value);
        }
    }
    out
}
