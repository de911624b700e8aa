//! Rust consts that a body equates, put in place where they stand.
//!
//! Types of values are what operations compare, so these are rewritten at once: of those, only the ones
//! that the replaced const stands in. Instructions are rewritten when the body is done.

use super::Lowerer;
use super::value::map_dims;
use crate::check::{Replaced, relation};
use crate::errors::Checked;
use crate::messages::{self, Message};
use proc_macro2::Span;
use sinew_ir::compose::Reach;
use sinew_ir::{Dim, DimError, Function, Relation, Shape, Symbol};
use std::collections::HashMap;

/// Which values each const stands in.
#[derive(Default)]
pub struct Substitution {
    /// By const; a value may be there twice.
    values: HashMap<Symbol, Vec<usize>>,
    /// How many values have been looked at.
    seen: usize,
    /// Whether anything was replaced.
    any: bool,
}

impl Substitution {
    fn note(&mut self, value: usize, dims: &[Dim]) {
        let symbols = dims.iter().filter(|d| d.as_constant().is_none());
        for symbol in symbols.flat_map(Dim::symbols) {
            if relation::is_const(&symbol) {
                self.values.entry(symbol).or_default().push(value);
            }
        }
    }
}

impl Lowerer<'_, '_> {
    /// Makes sure that two dims are equal: by normal form, or by an assertion where only Rust consts
    /// are in the way; otherwise `message` is reported.
    pub(super) fn equal(&mut self, left: &Dim, right: &Dim, message: &Message) -> Checked<()> {
        let (left, right) = (self.dim(left)?, self.dim(right)?);
        if left == right || self.equate(&left, &right, message) {
            return Ok(());
        }
        if self.equate_alike(&left, &right, message) && self.dim(&left)? == self.dim(&right)? {
            return Ok(());
        }
        Err(self.report(message.clone().into_error()))
    }

    /// Takes two dims for equal from here on, and leaves to rustc that they are: where they differ in
    /// Rust consts alone.
    pub(super) fn equate(&mut self, left: &Dim, right: &Dim, message: &Message) -> bool {
        if !relation::const_only(left, right) {
            return false;
        }
        let (gone, kept) = match self.outlives(left, right) {
            true => (right, left),
            false => (left, right),
        };
        let Some(replaced) = self.equations.add(gone, kept) else {
            return false;
        };
        self.assert(left.clone(), Relation::Equal, right.clone(), message);
        self.replace(&replaced);
        true
    }

    /// Takes consts of one name for equal, where one path to it stands in `left` and another in `right`: a
    /// module's const is the same by each. Whether they are, rustc says. Tells whether there are any.
    pub(super) fn equate_alike(&mut self, left: &Dim, right: &Dim, message: &Message) -> bool {
        let named = |d: &Dim| {
            let registry = &self.scope.registry;
            let symbols = d.symbols().into_iter().filter(relation::is_const);
            let named = symbols.filter_map(|s| {
                let name = registry.consts[registry.position(&s)?].name.clone();
                Some((name, s))
            });
            named.collect::<Vec<_>>()
        };
        let (of_left, of_right) = (named(left), named(right));
        let mut any = false;
        for (name, l) in &of_left {
            let alike = of_right.iter().filter(|(other, _)| other == name);
            let mut alike = alike.filter(|(_, r)| r != l);
            if let (Some((_, r)), None) = (alike.next(), alike.next()) {
                any |= self.equate(&Dim::from(l.clone()), &Dim::from(r.clone()), message);
            }
        }
        any
    }

    /// Whether the const `left` is what messages should say for `right`: the function's own before those
    /// of others, then the one that was there first. Few values have the other one, then.
    fn outlives(&self, left: &Dim, right: &Dim) -> bool {
        let rank = |d: &Dim| {
            let registry = &self.scope.registry;
            let position = registry.position(d.as_symbol()?)?;
            let own = registry.consts[position].is_of(&self.scope.id);
            Some((!own, position))
        };
        match (rank(left), rank(right)) {
            (Some(left), Some(right)) => left < right,
            _ => false,
        }
    }

    /// Rewrites the types of values.
    fn replace(&mut self, replaced: &Replaced) {
        let values = &mut self.builder.values;
        for (i, ty) in values.iter().enumerate().skip(self.substitution.seen) {
            self.substitution.note(i, &ty.shape.dims);
        }
        self.substitution.seen = values.len();
        self.substitution.any = true;
        let touched: Vec<usize> = match replaced {
            Replaced::Symbol(symbol) => {
                let found = self.substitution.values.remove(symbol);
                found.unwrap_or_default()
            }
            Replaced::Product => (0..values.len()).collect(),
        };
        for i in touched {
            let Some(ty) = values.get_mut(i) else {
                continue;
            };
            for d in &mut ty.shape.dims {
                // What does not fit 64 bits is reported where it is used.
                if let Some(new) = self.equations.dim(d) {
                    *d = new;
                }
            }
            self.substitution.note(i, &ty.shape.dims);
        }
    }

    /// Whether the dims that made the builder refuse are taken for equal now, so that it may be asked
    /// again.
    pub(super) fn settled(&mut self, pairs: &[(Dim, Dim)], message: &Message) -> bool {
        let mut alike = false;
        for (left, right) in pairs {
            alike |= self.equate_alike(left, right, message);
        }
        if alike {
            return true;
        }
        let decidable = |(a, b): &(Dim, Dim)| relation::const_only(a, b);
        if pairs.is_empty() || !pairs.iter().all(decidable) {
            return false;
        }
        let mut any = false;
        for (left, right) in pairs {
            any |= self.equate(left, right, message);
        }
        any
    }

    /// Rewrites the instructions of a body.
    pub(super) fn rewritten(&self, function: &mut Function) -> Checked<()> {
        if !self.substitution.any {
            return Ok(());
        }
        let dim = |d: &Dim| {
            let dim = self.equations.dim(d);
            dim.ok_or_else(|| DimError::Overflow(d.to_string()))
        };
        match map_dims(function, &dim) {
            Ok(()) => Ok(()),
            Err(_) => Err(self.report(messages::dim_arithmetic(Span::call_site()))),
        }
    }
}

/// Dims that an instruction is built with: they follow what consts are taken for.
pub trait Dims {
    /// Each of them.
    fn each(&mut self, f: &mut dyn FnMut(&mut Dim));
}

impl Dims for () {
    fn each(&mut self, _: &mut dyn FnMut(&mut Dim)) {}
}

/// A name beside a dim.
impl Dims for String {
    fn each(&mut self, _: &mut dyn FnMut(&mut Dim)) {}
}

impl Dims for Dim {
    fn each(&mut self, f: &mut dyn FnMut(&mut Dim)) {
        f(self);
    }
}

impl Dims for Reach {
    fn each(&mut self, f: &mut dyn FnMut(&mut Dim)) {
        match self {
            Reach::Whole | Reach::Index(_) => {}
            Reach::Point(at) => f(at),
            Reach::Range { start, stop, step } => {
                f(start);
                f(stop);
                f(step);
            }
        }
    }
}

impl Dims for Shape {
    fn each(&mut self, f: &mut dyn FnMut(&mut Dim)) {
        self.dims.each(f);
    }
}

impl<T: Dims> Dims for Vec<T> {
    fn each(&mut self, f: &mut dyn FnMut(&mut Dim)) {
        self.iter_mut().for_each(|d| d.each(f));
    }
}

impl<T: Dims> Dims for Option<T> {
    fn each(&mut self, f: &mut dyn FnMut(&mut Dim)) {
        self.iter_mut().for_each(|d| d.each(f));
    }
}

impl<A: Dims, B: Dims> Dims for (A, B) {
    fn each(&mut self, f: &mut dyn FnMut(&mut Dim)) {
        self.0.each(f);
        self.1.each(f);
    }
}
