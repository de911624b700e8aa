//! The extents of a struct's leaves, those of its children included: never negative.
//!
//! What only Rust consts decide is asserted where the struct stands, so that `init` cannot fail where
//! the struct has no symbols. With symbols it is checked when they become known.

use super::Scope;
use super::relation::{self, Assertion};
use crate::errors::Checked;
use crate::messages;
use crate::parse::{self, Structure};
use crate::signature::{Field, FieldKind, Struct};
use proc_macro2::TokenStream;
use quote::ToTokens;
use sinew_ir::{Atom, Dim, Relation, Symbol};

/// What rustc must check of a struct's dims; what holds for no value is reported.
pub fn assertions(scope: &Scope<'_>, written: &Structure, s: &Struct) -> Checked<Vec<Assertion>> {
    let mut out = Extents {
        scope,
        assertions: Vec::new(),
        bad: Ok(()),
    };
    for (field, written) in s.fields.iter().zip(&written.fields) {
        let at = written.written.to_token_stream();
        out.field(field, &field.name, &at, &|d| Some(d.clone()));
    }
    out.bad.map(|()| out.assertions)
}

struct Extents<'a, 'e> {
    scope: &'a Scope<'e>,
    assertions: Vec<Assertion>,
    bad: Checked<()>,
}

impl Extents<'_, '_> {
    /// A field at `path`, whose dims are what `here` makes of the declared ones.
    fn field(
        &mut self,
        field: &Field,
        path: &str,
        at: &TokenStream,
        here: &dyn Fn(&Dim) -> Option<Dim>,
    ) {
        match &field.kind {
            FieldKind::Setting(..) => {}
            FieldKind::Param(t) | FieldKind::State(t) => {
                for declared in &t.shape.dims {
                    match here(declared) {
                        Some(dim) => self.extent(declared, &dim, path, at),
                        None => {
                            let error = messages::dim_arithmetic(parse::start(at));
                            self.bad = Err(self.scope.errors.report(error));
                        }
                    }
                }
            }
            FieldKind::Child(structure, declared, count) => {
                if let Some(count) = count {
                    match here(count) {
                        Some(dim) => self.extent(count, &dim, path, at),
                        None => {
                            let error = messages::dim_arithmetic(parse::start(at));
                            self.bad = Err(self.scope.errors.report(error));
                        }
                    }
                }
                let child = &self.scope.registry.structs[*structure].signature;
                let dims: Option<Vec<Dim>> = declared.iter().map(here).collect();
                let Some(dims) = dims else {
                    let error = messages::dim_arithmetic(parse::start(at));
                    self.bad = Err(self.scope.errors.report(error));
                    return;
                };
                let inside = |d: &Dim| at_dims(d, &child.symbols, &dims);
                for field in &child.fields {
                    self.field(field, &format!("{path}.{}", field.name), at, &inside);
                }
            }
        }
    }

    fn extent(&mut self, declared: &Dim, dim: &Dim, path: &str, at: &TokenStream) {
        let message = messages::extent(at, path, declared, dim);
        if let Some(value) = dim.as_constant() {
            if value < 0 {
                self.bad = Err(self.scope.errors.report(message.into_error()));
            }
            return;
        }
        // A plain const is of type usize.
        if dim.as_symbol().is_some() || !dim.symbols().iter().all(relation::is_const) {
            return;
        }
        let (zero, greatest) = (Dim::constant(0), Dim::constant(i64::MAX));
        let divisors = divisors(dim);
        for divisor in &divisors {
            let message = messages::divisor(at, path, divisor);
            let positive = Assertion::new(zero.clone(), Relation::Below, divisor.clone(), &message);
            self.assert(positive, &[]);
        }
        let low = Assertion::new(zero, Relation::AtMost, dim.clone(), &message);
        self.assert(low, &divisors);
        let message = messages::great_extent(at, path, dim);
        let high = Assertion::new(dim.clone(), Relation::AtMost, greatest, &message);
        self.assert(high, &divisors);
    }

    fn assert(&mut self, assertion: Assertion, positive: &[Dim]) {
        let known = |a: &Assertion| {
            a.left == assertion.left
                && a.relation == assertion.relation
                && a.right == assertion.right
        };
        if !self.assertions.iter().any(known) {
            self.assertions.push(Assertion {
                positive: positive.to_vec(),
                ..assertion
            });
        }
    }
}

/// A dim of a struct's signature where the struct has the given dims.
pub fn at_dims(dim: &Dim, symbols: &[Symbol], dims: &[Dim]) -> Option<Dim> {
    dim.substitute(&|s| {
        let i = symbols.iter().position(|known| known == s)?;
        dims.get(i).cloned()
    })
    .ok()
}

/// What a dim divides by, constants left out.
fn divisors(dim: &Dim) -> Vec<Dim> {
    let mut out = Vec::new();
    for (atom, _) in dim.terms().into_keys().flatten() {
        if let Atom::Floor(numerator, denominator) = atom {
            out.extend(divisors(&numerator));
            out.extend(divisors(&denominator));
            if denominator.as_constant().is_none() {
                out.push(*denominator);
            }
        }
    }
    out
}
