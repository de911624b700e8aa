//! Symbols of a function that equations replace, and that are checked all the same.

use super::Equations;
use super::extents::at_dims;
use crate::signature::{FieldKind, Function, ParamType, Registry};
use sinew_ir::{Dim, Symbol};

/// Replaced symbols that only a model's configuration tells: they occur as dims of a struct parameter,
/// and in no shape that would be compared. They stay symbols, and their equations are kept.
pub fn configured(registry: &Registry, f: &Function, equations: &Equations) -> Vec<Symbol> {
    let mut shapes = Vec::new();
    let mut named = Vec::new();
    for p in &f.params {
        match &p.ty {
            ParamType::Struct(structure, dims) => {
                named.extend(dims.iter().filter_map(Dim::as_symbol).cloned());
                leaves(registry, *structure, dims, &mut shapes);
            }
            tensors @ (ParamType::Tensor(_) | ParamType::Tuple(_) | ParamType::Array(..)) => {
                tensors.each_dim(&mut |d| shapes.extend(d.symbols()));
            }
        }
    }
    named.retain(|s| equations.replaces(s) && !shapes.contains(s));
    named.dedup();
    named
}

fn leaves(registry: &Registry, structure: usize, dims_here: &[Dim], out: &mut Vec<Symbol>) {
    let Some(known) = registry.structs.get(structure) else {
        return;
    };
    let s = &known.signature;
    for field in &s.fields {
        let (declared, child) = match &field.kind {
            FieldKind::Setting(..) => continue,
            FieldKind::Param(t) | FieldKind::State(t) => (&t.shape.dims, None),
            FieldKind::Child(structure, dims, count) => {
                // The count is an extent of each of their leaves.
                let count = count
                    .as_ref()
                    .and_then(|c| at_dims(c, &s.symbols, dims_here));
                out.extend(count.iter().flat_map(Dim::symbols));
                (dims, Some(*structure))
            }
        };
        let here = declared
            .iter()
            .filter_map(|d| at_dims(d, &s.symbols, dims_here));
        let here: Vec<Dim> = here.collect();
        match child {
            Some(child) => leaves(registry, child, &here, out),
            None => out.extend(here.iter().flat_map(Dim::symbols)),
        }
    }
}
