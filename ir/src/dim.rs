//! A dim: one extent of a tensor, as an integer polynomial in normal form.
//!
//! Two dims are equal for all values of their symbols exactly when their normal forms are equal,
//! floor divisions aside: `floor(a / b)` is an atom unless the division is exact, so equal
//! quotients that are written differently stay different (declare such an equality in `where`).

use std::collections::BTreeMap;
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
type Monomial = Vec<(Atom, u32)>;

/// An integer polynomial over symbols and floor divisions, in normal form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Dim {
    /// Coefficients by monomial; none is zero.
    terms: BTreeMap<Monomial, i64>,
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
    /// It does not fit 64 bits.
    #[error("`{0}` does not fit 64 bits")]
    Overflow(String),
}

impl Dim {
    /// The constant `value`.
    pub fn constant(value: i64) -> Self {
        let mut terms = BTreeMap::new();
        if value != 0 {
            terms.insert(Vec::new(), value);
        }
        Dim { terms }
    }

    /// The symbol `name`.
    pub fn symbol(name: &str) -> Self {
        Self::from(Symbol::new(name))
    }

    /// Its value, if no symbol is in it.
    pub fn as_constant(&self) -> Option<i64> {
        match self.terms.len() {
            0 => Some(0),
            1 => self.terms.get(&Vec::new()).copied(),
            _ => None,
        }
    }

    /// Its value as an extent, if no symbol is in it and it is not negative.
    pub fn as_extent(&self) -> Option<usize> {
        self.as_constant().and_then(|v| usize::try_from(v).ok())
    }

    /// The symbol it is, if it is one and nothing else.
    pub fn as_symbol(&self) -> Option<&Symbol> {
        let mut terms = self.terms.iter();
        match (terms.next(), terms.next()) {
            (Some((m, 1)), None) => match m.as_slice() {
                [(Atom::Symbol(s), 1)] => Some(s),
                _ => None,
            },
            _ => None,
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
        for (atom, _) in self.terms.keys().flatten() {
            match atom {
                Atom::Symbol(s) => out.push(s.clone()),
                Atom::Floor(a, b) => {
                    a.collect_symbols(out);
                    b.collect_symbols(out);
                }
            }
        }
    }

    fn add_term(&mut self, monomial: Monomial, coefficient: i64) -> Option<()> {
        if coefficient == 0 {
            return Some(());
        }
        let entry = self.terms.entry(monomial.clone()).or_insert(0);
        *entry = entry.checked_add(coefficient)?;
        if *entry == 0 {
            self.terms.remove(&monomial);
        }
        Some(())
    }

    /// Sum; `None` when a coefficient leaves 64 bits.
    pub fn checked_add(&self, other: &Dim) -> Option<Dim> {
        let mut out = self.clone();
        for (m, c) in &other.terms {
            out.add_term(m.clone(), *c)?;
        }
        Some(out)
    }

    /// Difference; `None` when a coefficient leaves 64 bits.
    pub fn checked_sub(&self, other: &Dim) -> Option<Dim> {
        let mut out = self.clone();
        for (m, c) in &other.terms {
            out.add_term(m.clone(), c.checked_neg()?)?;
        }
        Some(out)
    }

    /// Product; `None` when a coefficient leaves 64 bits.
    pub fn checked_mul(&self, other: &Dim) -> Option<Dim> {
        let mut out = Dim::default();
        for (ma, ca) in &self.terms {
            for (mb, cb) in &other.terms {
                let mut powers: BTreeMap<Atom, u32> = ma.iter().cloned().collect();
                for (atom, p) in mb {
                    let e = powers.entry(atom.clone()).or_insert(0);
                    *e = e.checked_add(*p)?;
                }
                out.add_term(powers.into_iter().collect(), ca.checked_mul(*cb)?)?;
            }
        }
        Some(out)
    }

    /// The quotient where `self` is a multiple of `divisor` for all values of the symbols.
    pub fn exact_div(&self, divisor: &Dim) -> Option<Dim> {
        // Polynomial long division by the divisor's greatest term.
        let (lead, lead_c) = divisor.greatest()?;
        let mut rest = self.clone();
        let mut quotient = Dim::default();
        while let Some((m, c)) = rest.greatest() {
            let powers = monomial_div(&m, &lead)?;
            if c % lead_c != 0 {
                return None;
            }
            let mut term = Dim::default();
            term.add_term(powers, c / lead_c)?;
            let next = rest.checked_sub(&term.checked_mul(divisor)?)?;
            // The greatest term must shrink, or the division does not end.
            if next.greatest().is_some_and(|(n, _)| order(&n) >= order(&m)) {
                return None;
            }
            quotient = quotient.checked_add(&term)?;
            rest = next;
        }
        Some(quotient)
    }

    /// `floor(self / divisor)`; `None` for a divisor that is the constant zero or below.
    pub fn floor_div(&self, divisor: &Dim) -> Option<Dim> {
        if divisor.as_constant().is_some_and(|d| d <= 0) {
            return None;
        }
        if let Some(exact) = self.exact_div(divisor) {
            return Some(exact);
        }
        if let (Some(a), Some(b)) = (self.as_constant(), divisor.as_constant()) {
            return Some(Dim::constant(a.div_euclid(b)));
        }
        // The whole multiples come out: floor((6n + m) / 2) = 3n + floor(m / 2).
        let mut whole = Dim::default();
        let mut rest = Dim::default();
        for (m, c) in &self.terms {
            let mut term = Dim::default();
            term.add_term(m.clone(), *c)?;
            match term.exact_div(divisor) {
                Some(q) => whole = whole.checked_add(&q)?,
                None => match divisor.as_constant() {
                    Some(d) if m.is_empty() => {
                        whole = whole.checked_add(&Dim::constant(c.div_euclid(d)))?;
                        rest = rest.checked_add(&Dim::constant(c.rem_euclid(d)))?;
                    }
                    _ => rest = rest.checked_add(&term)?,
                },
            }
        }
        let atom = Atom::Floor(Box::new(rest), Box::new(divisor.clone()));
        let mut floor = Dim::default();
        floor.add_term(vec![(atom, 1)], 1)?;
        whole.checked_add(&floor)
    }

    fn greatest(&self) -> Option<(Monomial, i64)> {
        self.terms
            .iter()
            .max_by(|a, b| order(a.0).cmp(&order(b.0)))
            .map(|(m, c)| (m.clone(), *c))
    }

    /// The dim with each symbol replaced by what `value` gives for it (`None` leaves it).
    ///
    /// # Errors
    /// A division by zero or a coefficient out of range after the substitution.
    pub fn substitute(&self, value: &dyn Fn(&Symbol) -> Option<Dim>) -> Result<Dim, DimError> {
        let overflow = || DimError::Overflow(self.to_string());
        let mut out = Dim::default();
        for (m, c) in &self.terms {
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

fn monomial_div(a: &Monomial, b: &Monomial) -> Option<Monomial> {
    let mut out: BTreeMap<Atom, u32> = a.iter().cloned().collect();
    for (atom, p) in b {
        let e = out.get_mut(atom)?;
        *e = e.checked_sub(*p)?;
        if *e == 0 {
            out.remove(atom);
        }
    }
    Some(out.into_iter().collect())
}

impl From<Symbol> for Dim {
    fn from(symbol: Symbol) -> Self {
        let mut terms = BTreeMap::new();
        terms.insert(vec![(Atom::Symbol(symbol), 1)], 1);
        Dim { terms }
    }
}

impl From<usize> for Dim {
    fn from(value: usize) -> Self {
        // An extent past i64 cannot be addressed; the greatest one keeps the error at the bind.
        Dim::constant(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Dim {
    /// `B`, `3*B + 2`, `(N + 2)/S + 1`: highest degree first, the constant last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.terms.is_empty() {
            return f.write_str("0");
        }
        let mut terms: Vec<_> = self.terms.iter().collect();
        terms.sort_by(|a, b| order(b.0).cmp(&order(a.0)));
        for (i, (m, c)) in terms.into_iter().enumerate() {
            match (i, *c < 0) {
                (0, false) => {}
                (0, true) => f.write_str("-")?,
                (_, false) => f.write_str(" + ")?,
                (_, true) => f.write_str(" - ")?,
            }
            let magnitude = c.unsigned_abs();
            if m.is_empty() || magnitude != 1 {
                write!(f, "{magnitude}")?;
                if !m.is_empty() {
                    f.write_str("*")?;
                }
            }
            for (j, (atom, power)) in m.iter().enumerate() {
                for k in 0..*power {
                    if j > 0 || k > 0 {
                        f.write_str("*")?;
                    }
                    match atom {
                        Atom::Symbol(s) => write!(f, "{s}")?,
                        Atom::Floor(a, b) => write!(f, "(({a})/({b}))")?,
                    }
                }
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
