//! The rules of loops, and of calls in that mode.

use super::broken::Broken;
use super::{Checker, Scope};
use crate::block::Loop;
use crate::call::{Call, LoopMode, LoopParam, LoopResult};
use crate::dim::Dim;
use crate::function::Value;

impl Checker<'_> {
    pub(super) fn call_of_loop(&self, c: &Call, l: &LoopMode) -> Result<(), Broken> {
        self.dim(&l.trip)?;
        let roles: Vec<LoopParam> = l.operands().map(|(_, role)| role).collect();
        Broken::unless_as_many("operands of a loop", roles.len(), c.operands.len())?;
        Broken::unless_as_many("results of a loop", l.results.len(), c.results.len())?;
        let mut carried = Vec::new();
        for (role, v) in roles.iter().zip(&c.operands) {
            match role {
                LoopParam::Carried => carried.push(*v),
                LoopParam::Sliced { axis } => self.iterations(*v, *axis, &l.trip)?,
                LoopParam::Index | LoopParam::Invariant => {}
            }
        }
        let mut handed = Vec::new();
        for (role, v) in l.results.iter().zip(&c.results) {
            match role {
                LoopResult::Carried => handed.push(*v),
                LoopResult::Stacked { axis } => self.iterations(*v, *axis, &l.trip)?,
            }
        }
        Broken::unless_as_many("carried results of a loop", carried.len(), handed.len())?;
        for (first, last) in carried.iter().zip(&handed) {
            self.typed(*last, &self.type_of(*first))?;
        }
        Ok(())
    }

    pub(super) fn iterate(&mut self, l: &Loop) -> Result<(), Broken> {
        self.dim(&l.trip)?;
        let mut types = vec![Loop::index_type()];
        for v in &l.carried {
            self.used(*v)?;
            types.push(self.type_of(*v));
        }
        for s in &l.sliced {
            self.used(s.value)?;
            self.iterations(s.value, s.axis, &l.trip)?;
            types.extend(self.type_of(s.value).slice(s.axis));
        }
        let (params, results) = (&l.body.params, &l.body.results);
        Broken::unless_as_many("parameters of a loop's body", types.len(), params.len())?;
        let given = l.carried.len() + l.stacked.len();
        Broken::unless_as_many("results of a loop's body", given, results.len())?;
        Broken::unless_as_many("results of a loop", given, l.results.len())?;
        self.loops += 1;
        self.block(&l.body)?;
        self.loops -= 1;
        for (v, ty) in params.iter().zip(&types) {
            self.typed(*v, ty)?;
        }
        for (v, first) in results.iter().zip(&l.carried) {
            self.typed(*v, &self.type_of(*first))?;
        }
        for v in &l.results {
            self.define(*v)?;
        }
        for (v, first) in l.results.iter().zip(&l.carried) {
            self.typed(*v, &self.type_of(*first))?;
        }
        for (value, axis, stack) in l.stacks() {
            self.iterations(stack, axis, &l.trip)?;
            let slice = self.type_of(stack).slice(axis);
            self.typed(value, &slice.unwrap_or_else(Loop::index_type))?;
        }
        let mut inner = Vec::new();
        l.body.each_definition(&mut |v| inner.push(v));
        for v in inner {
            self.scope[v.index()] = Scope::Closed;
        }
        Ok(())
    }

    /// Whether a value holds a slice for each iteration.
    fn iterations(&self, value: Value, axis: usize, trip: &Dim) -> Result<(), Broken> {
        match self.function.type_of(value).shape.dims.get(axis) == Some(trip) {
            true => Ok(()),
            false => Err(Broken::Iterations {
                value,
                axis,
                trip: trip.clone(),
            }),
        }
    }
}
