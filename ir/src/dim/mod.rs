//! A dim: one extent of a tensor, as an integer polynomial in normal form.
//!
//! Two dims without floor divisions are equal for all values of their symbols exactly when their normal
//! forms are. Of a floor division, what is a multiple of the divisor comes out and common factors go;
//! the rest is an atom, so quotients that are written differently may stay different, `(N/2)/2` and
//! `N/4` among them (declare such an equality in `where`). Divisors count as positive: where one turns
//! out to be zero or below, the dim has no value.

mod division;
mod line;
mod print;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::Arc;

/// A named size: a symbol of a function (`B`) or a Rust const that rustc gives a value (`HIDDEN`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(Arc<str>);

impl Symbol {
    /// The symbol called `name`.
    pub fn new(name: &str) -> Self {
        Symbol(name.into())
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a polynomial's monomials are made of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Atom {
    /// A symbol.
    Symbol(Symbol),
    /// `floor(numerator / denominator)` where the division is not exact.
    Floor(Box<Dim>, Box<Dim>),
}

/// A product of atoms with their powers, sorted; empty for the constant term.
pub type Monomial = Vec<(Atom, u32)>;

/// Coefficients by monomial; none is zero.
pub type Terms = BTreeMap<Monomial, i64>;

/// The most symbols and numbers that a dim is written with, powers written out: a product of sums has
/// terms without end (`(A+B)*(C+D)*..`), and so have powers of what stands for a sum. That is seven
/// axes of `A + B` made one; beyond, dims have no sum, product or quotient.
const LARGEST: usize = 1024;

/// An integer polynomial over symbols and floor divisions, in normal form.
///
/// It is never larger than a page: what would need more than 1024 symbols and numbers to be written down
/// is none, so that everything that computes with dims ends soon.
///
/// Nearly all dims of a program are constants and nearly all others are symbols: these two take no
/// memory of their own, and every clone is cheap.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dim(Form);

/// The one form that fits: a polynomial is neither a constant nor a symbol.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Form {
    Constant(i64),
    Symbol(Symbol),
    Polynomial(Arc<Terms>),
}

impl Default for Dim {
    /// Zero.
    fn default() -> Self {
        Dim::constant(0)
    }
}

/// Why a dim has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DimError {
    /// A symbol in it is not bound.
    #[error("`{0}` has no value")]
    Unbound(Symbol),
    /// It came out below zero.
    #[error("`{dim}` is {value}, and an extent is never negative")]
    Negative {
        /// The dim.
        dim: String,
        /// Its value.
        value: i64,
    },
    /// A division by zero.
    #[error("`{0}` divides by zero")]
    ZeroDivision(String),
    /// A number in it does not fit 64 bits, or it takes too many symbols and numbers to be written down.
    #[error(
        "`{0}` does not fit 64 bits, or has more than {LARGEST} symbols and numbers multiplied out"
    )]
    Overflow(String),
}

impl Dim {
    /// The constant `value`.
    pub fn constant(value: i64) -> Self {
        Dim(Form::Constant(value))
    }

    /// The symbol `name`.
    pub fn symbol(name: &str) -> Self {
        Self::from(Symbol::new(name))
    }

    /// Its value, if no symbol is in it.
    pub fn as_constant(&self) -> Option<i64> {
        match &self.0 {
            Form::Constant(c) => Some(*c),
            Form::Symbol(_) | Form::Polynomial(_) => None,
        }
    }

    /// Its value as an extent, if no symbol is in it and it is not negative.
    pub fn as_extent(&self) -> Option<usize> {
        self.as_constant().and_then(|v| usize::try_from(v).ok())
    }

    /// The symbol it is, if it is one and nothing else.
    pub fn as_symbol(&self) -> Option<&Symbol> {
        match &self.0 {
            Form::Symbol(s) => Some(s),
            Form::Constant(_) | Form::Polynomial(_) => None,
        }
    }

    /// Its terms: the coefficient, never zero, of each product of atoms with their powers. The constant
    /// term is that of no atoms; zero has no terms.
    pub fn terms(&self) -> Terms {
        match &self.0 {
            Form::Constant(0) => Terms::new(),
            Form::Constant(c) => Terms::from([(Vec::new(), *c)]),
            Form::Symbol(s) => Terms::from([(vec![(Atom::Symbol(s.clone()), 1)], 1)]),
            Form::Polynomial(terms) => terms.as_ref().clone(),
        }
    }

    fn from_terms(terms: Terms) -> Dim {
        let mut found = terms.iter();
        let form = match (found.next(), found.next()) {
            (None, _) => Form::Constant(0),
            (Some((m, c)), None) => match m.as_slice() {
                [] => Form::Constant(*c),
                [(Atom::Symbol(s), 1)] if *c == 1 => Form::Symbol(s.clone()),
                _ => Form::Polynomial(Arc::new(terms)),
            },
            (Some(_), Some(_)) => Form::Polynomial(Arc::new(terms)),
        };
        Dim(form)
    }

    /// The dim of these terms, if it is not too large.
    fn of_size(terms: Terms) -> Option<Dim> {
        let size = terms.keys().map(size).fold(0, usize::saturating_add);
        (size <= LARGEST).then(|| Dim::from_terms(terms))
    }

    /// How many symbols and numbers it is written with.
    fn size(&self) -> usize {
        match &self.0 {
            Form::Constant(_) | Form::Symbol(_) => 1,
            Form::Polynomial(terms) => terms.keys().map(size).sum(),
        }
    }

    fn term(monomial: Monomial, coefficient: i64) -> Dim {
        match coefficient {
            0 => Dim::default(),
            c => Dim::from_terms(Terms::from([(monomial, c)])),
        }
    }

    /// Every symbol in it, sorted, each once.
    pub fn symbols(&self) -> Vec<Symbol> {
        let mut out = Vec::new();
        self.collect_symbols(&mut out);
        out.sort();
        out.dedup();
        out
    }

    fn collect_symbols(&self, out: &mut Vec<Symbol>) {
        match &self.0 {
            Form::Constant(_) => {}
            Form::Symbol(s) => out.push(s.clone()),
            Form::Polynomial(terms) => {
                for (atom, _) in terms.keys().flatten() {
                    match atom {
                        Atom::Symbol(s) => out.push(s.clone()),
                        Atom::Floor(a, b) => {
                            a.collect_symbols(out);
                            b.collect_symbols(out);
                        }
                    }
                }
            }
        }
    }

    /// Sum; `None` when a coefficient leaves 64 bits, or the sum is too large.
    pub fn checked_add(&self, other: &Dim) -> Option<Dim> {
        match (&self.0, &other.0) {
            (Form::Constant(a), Form::Constant(b)) => Some(Dim::constant(a.checked_add(*b)?)),
            (Form::Constant(0), _) => Some(other.clone()),
            (_, Form::Constant(0)) => Some(self.clone()),
            _ => {
                let mut out = self.terms();
                for (m, c) in other.terms() {
                    add_term(&mut out, m, c)?;
                }
                Dim::of_size(out)
            }
        }
    }

    /// Difference; `None` when a coefficient leaves 64 bits, or the difference is too large.
    pub fn checked_sub(&self, other: &Dim) -> Option<Dim> {
        match (&self.0, &other.0) {
            (Form::Constant(a), Form::Constant(b)) => Some(Dim::constant(a.checked_sub(*b)?)),
            (_, Form::Constant(0)) => Some(self.clone()),
            _ => {
                let mut out = self.terms();
                for (m, c) in other.terms() {
                    add_term(&mut out, m, c.checked_neg()?)?;
                }
                Dim::of_size(out)
            }
        }
    }

    /// Product; `None` when a coefficient leaves 64 bits, or the product is too large.
    pub fn checked_mul(&self, other: &Dim) -> Option<Dim> {
        match (&self.0, &other.0) {
            (Form::Constant(a), Form::Constant(b)) => Some(Dim::constant(a.checked_mul(*b)?)),
            (Form::Constant(1), _) => Some(other.clone()),
            (_, Form::Constant(1)) => Some(self.clone()),
            _ => {
                let mut out = Terms::new();
                let right = other.terms();
                for (ma, ca) in &self.terms() {
                    for (mb, cb) in &right {
                        let mut powers: BTreeMap<Atom, u32> = ma.iter().cloned().collect();
                        for (atom, p) in mb {
                            let e = powers.entry(atom.clone()).or_insert(0);
                            *e = e.checked_add(*p)?;
                        }
                        let monomial = powers.into_iter().collect();
                        add_term(&mut out, monomial, ca.checked_mul(*cb)?)?;
                        if out.len() > LARGEST {
                            return None;
                        }
                    }
                }
                Dim::of_size(out)
            }
        }
    }

    /// The dim with each symbol replaced by what `value` gives for it (`None` leaves it).
    ///
    /// # Errors
    /// A division by zero or a coefficient out of range after the substitution.
    pub fn substitute(&self, value: &dyn Fn(&Symbol) -> Option<Dim>) -> Result<Dim, DimError> {
        let overflow = || DimError::Overflow(self.to_string());
        let terms = match &self.0 {
            Form::Constant(_) => return Ok(self.clone()),
            Form::Symbol(s) => return Ok(value(s).unwrap_or_else(|| self.clone())),
            Form::Polynomial(terms) => terms,
        };
        let mut out = Dim::default();
        for (m, c) in terms.iter() {
            let mut term = Dim::constant(*c);
            for (atom, power) in m {
                let factor = match atom {
                    Atom::Symbol(s) => value(s).unwrap_or_else(|| Dim::from(s.clone())),
                    Atom::Floor(a, b) => {
                        let (a, b) = (a.substitute(value)?, b.substitute(value)?);
                        if b.as_constant().is_some_and(|b| b <= 0) {
                            return Err(DimError::ZeroDivision(self.to_string()));
                        }
                        a.floor_div(&b).ok_or_else(overflow)?
                    }
                };
                for _ in 0..*power {
                    term = term.checked_mul(&factor).ok_or_else(overflow)?;
                }
            }
            out = out.checked_add(&term).ok_or_else(overflow)?;
        }
        Ok(out)
    }

    /// Its value as an extent where `value` gives each symbol's.
    ///
    /// # Errors
    /// A symbol without a value, a negative result, a division by zero, an overflow.
    pub fn evaluate(&self, value: &dyn Fn(&Symbol) -> Option<usize>) -> Result<usize, DimError> {
        let bound = self.substitute(&|s| {
            value(s)
                .and_then(|v| i64::try_from(v).ok())
                .map(Dim::constant)
        })?;
        match bound.as_constant() {
            Some(v) => usize::try_from(v).map_err(|_| DimError::Negative {
                dim: self.to_string(),
                value: v,
            }),
            None => Err(match bound.symbols().into_iter().next() {
                Some(s) => DimError::Unbound(s),
                None => DimError::Overflow(self.to_string()),
            }),
        }
    }
}

/// The order of monomials for long division: total degree, then lexical (a monomial order).
fn order(m: &Monomial) -> (u32, Vec<(std::cmp::Reverse<Atom>, u32)>) {
    let degree = m.iter().map(|(_, p)| *p).sum();
    let powers = m
        .iter()
        .map(|(a, p)| (std::cmp::Reverse(a.clone()), *p))
        .collect();
    (degree, powers)
}

/// How many symbols and numbers a term is written with. Dims in it are not too large themselves, so this
/// overflows for no power that fits memory written out; beyond, it is too large all the same.
fn size(m: &Monomial) -> usize {
    let atoms = m.iter().map(|(atom, power)| {
        let atom = match atom {
            Atom::Symbol(_) => 1,
            Atom::Floor(a, b) => a.size() + b.size(),
        };
        atom.saturating_mul(*power as usize)
    });
    atoms.fold(1, usize::saturating_add)
}

fn add_term(terms: &mut Terms, monomial: Monomial, coefficient: i64) -> Option<()> {
    match terms.entry(monomial) {
        Entry::Vacant(entry) => {
            if coefficient != 0 {
                entry.insert(coefficient);
            }
        }
        Entry::Occupied(mut entry) => {
            let sum = entry.get().checked_add(coefficient)?;
            match sum {
                0 => drop(entry.remove()),
                _ => *entry.get_mut() = sum,
            }
        }
    }
    Some(())
}

impl From<Symbol> for Dim {
    fn from(symbol: Symbol) -> Self {
        Dim(Form::Symbol(symbol))
    }
}

impl From<usize> for Dim {
    fn from(value: usize) -> Self {
        // An extent past i64 cannot be addressed; the greatest one keeps the error at the bind.
        Dim::constant(i64::try_from(value).unwrap_or(i64::MAX))
    }
}
