//! The rules of structs among parameters and arguments, and of states.

use super::Checker;
use super::broken::Broken;
use crate::call::Call;
use crate::function::{Function, ParamKind};
use crate::structs::{StructParam, field_path, path_from};
use std::collections::HashSet;
use std::ops::Range;

/// The structs of a function's parameters; `names` are those of all parameters.
pub(super) fn params(function: &Function, names: &HashSet<&String>) -> Result<(), Broken> {
    let mut paths = HashSet::new();
    let mut at = 0;
    for s in &function.structs {
        let end = function.params.len();
        within(&s.name, at, &s.leaves, end)?;
        at = s.leaves.end;
        let is_number = s.name.chars().all(|c| c.is_ascii_digit());
        if is_number || s.name.contains('.') {
            return Err(Broken::ParamName(s.name.clone()));
        }
        one(function, &s.name, s)?;
        s.each(&s.name, &mut |path, _| {
            paths.insert(path.to_string());
        });
    }
    let mut count = 0;
    let structs = function.structs.iter();
    structs.for_each(|s| s.each(&s.name, &mut |_, _| count += 1));
    let mut taken = paths.iter().filter(|path| names.contains(path));
    match taken.next() {
        Some(path) => Err(Broken::ParamName(path.clone())),
        None => Broken::unless_as_many("names of structs", count, paths.len()),
    }
}

/// A struct, whose leaves are called by their paths, and the structs in it.
fn one(function: &Function, path: &str, s: &StructParam) -> Result<(), Broken> {
    let mut at = s.leaves.start;
    let mut own: Vec<usize> = Vec::new();
    for child in &s.children {
        let inner = field_path(path, &child.name);
        within(&inner, at, &child.leaves, s.leaves.end)?;
        own.extend(at..child.leaves.start);
        at = child.leaves.end;
        if child.name.is_empty() || child.name.contains('.') {
            return Err(Broken::ParamName(inner));
        }
        one(function, &inner, child)?;
    }
    own.extend(at..s.leaves.end);
    for leaf in own {
        let name = &function.params[leaf].name;
        let field = path_from(path, name).unwrap_or_default();
        if field.is_empty() || field.contains('.') {
            return Err(Broken::ParamName(name.clone()));
        }
    }
    Ok(())
}

fn within(name: &str, from: usize, leaves: &Range<usize>, end: usize) -> Result<(), Broken> {
    match from <= leaves.start && leaves.start <= leaves.end && leaves.end <= end {
        true => Ok(()),
        false => Err(Broken::Leaves(name.to_string())),
    }
}

impl Checker<'_> {
    /// The structs of a call's arguments.
    pub(super) fn arguments(&self, c: &Call) -> Result<(), Broken> {
        let mut at = 0;
        for s in &c.structs {
            within(&s.type_name, at, &s.leaves, c.operands.len())?;
            at = s.leaves.end;
        }
        Ok(())
    }

    /// The states that the function leaves, once its body is checked.
    pub(super) fn states(&self) -> Result<(), Broken> {
        let f = self.function;
        let few = f.states.len() > f.body.results.len();
        if few || !f.states.is_sorted_by(|a, b| a < b) {
            return Err(Broken::Order { what: "states" });
        }
        for (param, value) in f.new_states() {
            match f.params.get(param) {
                Some(p) if p.kind == ParamKind::State => {}
                Some(_) | None => return Err(Broken::Order { what: "states" }),
            }
            self.typed(value, &f.values[param])?;
        }
        Ok(())
    }
}
