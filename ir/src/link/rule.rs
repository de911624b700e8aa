//! Calls with rules, in functions whose derivative is derived when their calls are inlined.
//!
//! Derived from a body that is inlined, a derivative would be the body's. So these calls stay calls there, of
//! callees that the function brings along, and are inlined where it is.

use super::LinkError;
use super::calls::callee;
use super::inliner::{Inliner, Instance};
use super::site::Place;
use crate::block::Inst;
use crate::call::{Call, CallMode, Target};
use crate::unit::Unit;
use std::collections::HashMap;

/// Stands for the rule of a call among the calls of a place.
const RULE: u64 = 1;

/// A callee that a function brings along.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) unit: &'static Unit,
    /// Where the call stands in that function.
    pub(super) place: Place,
}

/// The callees that a function brings along, by the names that its calls have for them.
pub(super) type Kepts = HashMap<String, Kept>;

impl<'u> Inliner<'u> {
    /// The unit that a call of an instance is of, and where the call stands if the instance brought that
    /// unit along.
    pub(super) fn callee_of(
        instance: &Instance<'u>,
        name: &str,
    ) -> Result<(&'static Unit, Option<Place>), LinkError> {
        match instance.kept.get(name) {
            Some(kept) => {
                let place = kept.place.within(&instance.place, &|v| instance.value(v));
                Ok((kept.unit, Some(place)))
            }
            None => Ok((callee(instance.substitution.unit, name)?, None)),
        }
    }

    /// Adds a call with a rule as it is, of callees that go along.
    pub(super) fn keep(
        &mut self,
        instance: &mut Instance<'u>,
        c: &Call,
        rule: &Target,
        place: &Place,
    ) -> Result<(), LinkError> {
        let target = self.kept_target(instance, &c.target, place.clone())?;
        let rule = self.kept_target(instance, rule, place.in_call(RULE))?;
        let mut results = Vec::with_capacity(c.results.len());
        for r in &c.results {
            let ty = instance.function.type_of(*r);
            let result = self.builder.value(instance.substitution.of_type(ty)?);
            instance.set(*r, result);
            results.push(result);
        }
        let file = instance.substitution.unit.file;
        self.builder.insts.push(Inst::Call(Call {
            target,
            mode: CallMode::Rule(rule),
            operands: instance.map(&c.operands),
            structs: c.structs.clone(),
            results,
            location: c.location.map(|at| at.in_file(file)),
        }));
        Ok(())
    }

    /// A target of a call of an instance, in symbols of the function that is being inlined.
    fn kept_target(
        &mut self,
        instance: &Instance<'u>,
        target: &Target,
        place: Place,
    ) -> Result<Target, LinkError> {
        let (unit, _) = Self::callee_of(instance, &target.name)?;
        let function = self.load(unit)?;
        let substitution = instance.substitution.of_call(target, unit, &function)?;
        let kept = self.keeping.get_or_insert_default();
        let name = format!("kept{}", kept.len());
        kept.insert(name.clone(), Kept { unit, place });
        let mut out = substitution.target(name, &function);
        out.maps = instance.substitution.maps(&target.maps)?;
        Ok(out)
    }
}
