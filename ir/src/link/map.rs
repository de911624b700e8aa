//! Calls that are mapped over axes: of functions that [`crate::batch`] makes of what is inlined.

use super::flat::Inlinable;
use super::inliner::Inliner;
use super::substitution::Substitution;
use super::{LinkError, place};
use crate::batch::batch;
use crate::call::Map;
use crate::dim::{Dim, Symbol};
use crate::function::Function;
use crate::symbol::{SymbolDecl, SymbolKind};
use crate::unit::Unit;
use std::collections::HashMap;

/// The symbol that is the extent of an axis in the function that is mapped over it.
fn extent(axis: usize) -> Symbol {
    Symbol::new(&format!("mapped.{axis}"))
}

impl<'u> Inliner<'u> {
    /// As [`Inliner::inlinable`], mapped over axes; and what symbols are in it.
    pub(super) fn mapped(
        &mut self,
        unit: &'u Unit,
        here: Substitution<'u>,
        maps: &[Map],
    ) -> Result<(Inlinable, Substitution<'u>), LinkError> {
        if maps.is_empty() {
            let inlinable = self.inlinable(unit, &here)?;
            return Ok((inlinable, here));
        }
        let masks: Vec<Vec<bool>> = maps.iter().map(|m| m.mapped.clone()).collect();
        let key = (std::ptr::from_ref(unit), masks);
        let inlinable = match self.over_axes.get(&key) {
            Some(known) => known.clone(),
            None => {
                let stored = self.load(unit)?;
                let in_symbols = Substitution::in_symbols(unit, &stored)?;
                let assumed = self.assumed.take();
                let flat = self.flatten(&stored, in_symbols, maps);
                self.assumed = assumed;
                match flat {
                    // Which functions it calls waits for sizes.
                    Err(LinkError::Choice { .. }) if here.is_bound() || self.assumed.is_some() => {
                        self.flatten(&stored, here.clone(), maps)?
                    }
                    found => {
                        let found = found?;
                        self.over_axes.insert(key, found.clone());
                        found
                    }
                }
            }
        };
        let sizes = maps.iter().enumerate();
        let with = |s: Substitution<'u>, (axis, m): (usize, &Map)| {
            s.with_size(extent(axis), m.extent.clone())
        };
        Ok((inlinable, sizes.fold(here, with)))
    }

    /// A function whose calls are inlined, over axes.
    pub(super) fn over_axes(
        &self,
        unit: &Unit,
        mut function: Function,
        maps: &[Map],
    ) -> Result<Function, LinkError> {
        for (axis, m) in maps.iter().enumerate() {
            let symbol = extent(axis);
            function.symbols.push(SymbolDecl {
                symbol: symbol.clone(),
                kind: SymbolKind::SIZE,
            });
            function = batch(&function, &m.mapped, &Dim::from(symbol)).map_err(|error| {
                LinkError::Map {
                    path: unit.path.to_string(),
                    at: place(unit, error.location),
                    error,
                }
            })?;
        }
        Ok(function)
    }
}

/// What is inlined over axes, by unit and by which parameters have each axis.
pub(super) type OverAxes = HashMap<(*const Unit, Vec<Vec<bool>>), Inlinable>;
