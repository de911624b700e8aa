//! Functions whose pullbacks can only be derived where their calls are inlined, since their bodies use
//! pullbacks of calls.
//!
//! They are inlined in symbols, once a link. Where a choice in them waits for sizes, that is done anew for
//! the sizes of each place that they are called at.

use super::inliner::{Inliner, Instance};
use super::rule::Kepts;
use super::site::Place;
use super::substitution::Substitution;
use super::{LinkError, check, place};
use crate::block::{Block, Inst};
use crate::call::Map;
use crate::function::Function;
use crate::pullback::derive_pullback_of;
use crate::simplify::simplify_checked;
use crate::unit::Unit;
use crate::verify::Stage;
use std::rc::Rc;

/// A function as it is inlined.
#[derive(Clone)]
pub(super) struct Inlinable {
    pub(super) function: Rc<Function>,
    pub(super) pullback: PullbackSource,
    /// Callees that it brings along.
    pub(super) kept: Rc<Kepts>,
}

/// Where the pullback of a function is from that is inlined.
#[derive(Clone)]
pub(super) enum PullbackSource {
    /// It is stored, or derived where it is asked for.
    Stored,
    /// It was derived when the function's own calls were inlined.
    Flat,
    /// It could not be derived then.
    Refused(LinkError),
}

impl<'u> Inliner<'u> {
    /// The function of a unit as it is inlined where symbols are as `here`: as stored, or with its own calls
    /// inlined.
    pub(super) fn inlinable(
        &mut self,
        unit: &'u Unit,
        here: &Substitution<'u>,
    ) -> Result<Inlinable, LinkError> {
        match self.inlinable_in_symbols(unit) {
            Err(LinkError::Choice { .. }) if here.is_bound() || self.assumed.is_some() => {
                let stored = self.load(unit)?;
                self.flatten(&stored, here.clone(), &[])
            }
            found => found,
        }
    }

    /// The same, whatever its symbols are.
    pub(super) fn inlinable_in_symbols(&mut self, unit: &'u Unit) -> Result<Inlinable, LinkError> {
        let stored = self.load(unit)?;
        let is_pullback = |i: &Inst| match i {
            Inst::PullbackCall(_) => true,
            Inst::Op(_) | Inst::Call(_) | Inst::Loop(_) => false,
        };
        if stored.pullback.is_some() || !stored.body.insts.iter().any(is_pullback) {
            return Ok(Inlinable {
                function: stored,
                pullback: PullbackSource::Stored,
                kept: Rc::default(),
            });
        }
        let key = std::ptr::from_ref(unit);
        if let Some(flat) = self.flat.get(&key) {
            return flat.clone();
        }
        let substitution = Substitution::in_symbols(unit, &stored)?;
        // These are of the root's symbols.
        let assumed = self.assumed.take();
        let flat = self.flatten(&stored, substitution, &[]);
        self.assumed = assumed;
        self.flat.insert(key, flat.clone());
        flat
    }

    /// The function that tells what a unit's results depend on: where only sizes tell which functions it
    /// calls, as it is stored.
    pub(super) fn dependent(&mut self, unit: &'u Unit) -> Result<Rc<Function>, LinkError> {
        match self.inlinable_in_symbols(unit) {
            Ok(found) => Ok(found.function),
            Err(LinkError::Choice { .. }) => self.load(unit),
            Err(error) => Err(error),
        }
    }

    /// A function with its calls inlined, mapped over axes, and its pullback then.
    pub(super) fn flatten(
        &mut self,
        stored: &Rc<Function>,
        substitution: Substitution<'u>,
        maps: &[Map],
    ) -> Result<Inlinable, LinkError> {
        let unit = substitution.unit;
        let (mut function, kept) = self.apart(|inliner| {
            inliner.keeping = Some(Kepts::new());
            let function = inliner.inlined(stored, substitution)?;
            Ok((function, inliner.keeping.take().unwrap_or_default()))
        })?;
        check(unit, &function, Stage::Inlined)?;
        if !maps.is_empty() {
            function = self.over_axes(unit, function, maps)?;
            check(unit, &function, Stage::Inlined)?;
        }
        simplify_checked(&mut function, &mut |f| check(unit, f, Stage::Inlined))?;
        let all = vec![true; function.body.results.len()];
        // Of all results, states too: no other pullback of it is derived. And derived at once: what its
        // loops must keep for it has to be there when it is inlined.
        let derived = derive_pullback_of(&mut function, &all, &|_| None);
        check(unit, &function, Stage::Inlined)?;
        let pullback = match derived {
            Ok(()) => PullbackSource::Flat,
            Err(error) => PullbackSource::Refused(LinkError::Pullback {
                path: unit.path.to_string(),
                at: place(unit, error.location),
                error,
            }),
        };
        Ok(Inlinable {
            function: Rc::new(function),
            pullback,
            kept: Rc::new(kept),
        })
    }

    /// A function with its calls inlined, by an inliner that has nothing else in it.
    fn inlined(
        &mut self,
        stored: &Rc<Function>,
        substitution: Substitution<'u>,
    ) -> Result<Function, LinkError> {
        let (symbols, constraints) = substitution.open(stored)?;
        let params = stored.params.len();
        let mut operands = Vec::with_capacity(params);
        for ty in &stored.values[..params] {
            let ty = substitution.of_type(ty)?;
            operands.push(self.builder.value(ty));
        }
        let itself = Inlinable {
            function: stored.clone(),
            pullback: PullbackSource::Stored,
            kept: Rc::default(),
        };
        let mut root = Instance::new(itself, substitution, Place::default(), &operands)?;
        self.body(&mut root)?;
        let builder = std::mem::take(&mut self.builder);
        let insts = self.given.before(builder.insts);
        let mut function = Function {
            name: stored.name.clone(),
            symbols,
            constraints,
            params: stored.params.clone(),
            structs: stored.structs.clone(),
            states: stored.states.clone(),
            values: builder.values,
            body: Block::body(params, insts, root.map(&stored.body.results)),
            pullback: None,
        };
        self.stacks.apply(&mut function.body);
        Ok(function)
    }
}
