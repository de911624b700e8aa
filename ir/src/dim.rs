//! A dim: one extent of a tensor, as an integer polynomial in normal form.
//!
//! Two dims without floor divisions are equal for all values of their symbols exactly when their normal
//! forms are. Of a floor division, what is a multiple of the divisor comes out and common factors go;
//! the rest is an atom, so quotients that are written differently may stay different, `(N/2)/2` and
//! `N/4` among them (declare such an equality in `where`). Divisors count as positive: where one turns
//! out to be zero or below, the dim has no value.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::sync::Arc;

/// How deep floor divisions may nest.
const DEPTH: usize = 64;

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

/// Coefficients by monomial; none is zero.
type Terms = BTreeMap<Monomial, i64>;

/// An integer polynomial over symbols and floor divisions, in normal form.
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
    /// It does not fit 64 bits.
    #[error("`{0}` does not fit 64 bits")]
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

    /// `(slope, rest)` if it is `slope * symbol + rest`, and the slope is not 0.
    pub fn as_line(&self, symbol: &Symbol) -> Option<(i64, i64)> {
        let (mut slope, mut rest) = (0, 0);
        for (m, c) in self.terms() {
            match m.as_slice() {
                [] => rest = c,
                [(Atom::Symbol(s), 1)] if s == symbol => slope = c,
                _ => return None,
            }
        }
        (slope != 0).then_some((slope, rest))
    }

    fn terms(&self) -> Terms {
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

    /// Sum; `None` when a coefficient leaves 64 bits.
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
                Some(Dim::from_terms(out))
            }
        }
    }

    /// Difference; `None` when a coefficient leaves 64 bits.
    pub fn checked_sub(&self, other: &Dim) -> Option<Dim> {
        match (&self.0, &other.0) {
            (Form::Constant(a), Form::Constant(b)) => Some(Dim::constant(a.checked_sub(*b)?)),
            (_, Form::Constant(0)) => Some(self.clone()),
            _ => {
                let mut out = self.terms();
                for (m, c) in other.terms() {
                    add_term(&mut out, m, c.checked_neg()?)?;
                }
                Some(Dim::from_terms(out))
            }
        }
    }

    /// Product; `None` when a coefficient leaves 64 bits.
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
                    }
                }
                Some(Dim::from_terms(out))
            }
        }
    }

    /// The quotient where `self` is a multiple of `divisor` for all values of the symbols.
    pub fn exact_div(&self, divisor: &Dim) -> Option<Dim> {
        if let (Form::Constant(a), Form::Constant(b)) = (&self.0, &divisor.0) {
            let quotient = a.checked_div(*b)?;
            return (a.checked_rem(*b)? == 0).then(|| Dim::constant(quotient));
        }
        // Polynomial long division by the divisor's greatest term.
        let divisor = divisor.terms();
        let (lead, lead_c) = greatest(&divisor)?;
        let mut rest = self.terms();
        let mut quotient = Terms::new();
        while let Some((m, c)) = greatest(&rest) {
            let powers = monomial_div(m, lead)?;
            if c.checked_rem(lead_c)? != 0 {
                return None;
            }
            let factor = c.checked_div(lead_c)?;
            // Cancels the greatest term and adds smaller ones only, so this ends.
            let term = Dim::term(powers.clone(), factor);
            let taken = term.checked_mul(&Dim::from_terms(divisor.clone()))?;
            for (m, c) in taken.terms() {
                add_term(&mut rest, m, c.checked_neg()?)?;
            }
            add_term(&mut quotient, powers, factor)?;
        }
        Some(Dim::from_terms(quotient))
    }

    /// How deep floor divisions nest in it.
    fn depth(&self) -> usize {
        let Form::Polynomial(terms) = &self.0 else {
            return 0;
        };
        let depth = |(atom, _): &(Atom, u32)| match atom {
            Atom::Symbol(_) => 0,
            Atom::Floor(a, b) => 1 + a.depth().max(b.depth()),
        };
        terms.keys().flatten().map(depth).max().unwrap_or(0)
    }

    /// `floor(self / divisor)`; `None` for a divisor that is the constant zero or below, and where
    /// divisions would nest deeper than anyone writes them: what recurses over dims stays on the stack.
    ///
    /// What is a multiple of the divisor comes out of the division, and common factors go:
    /// `(6*N + 3)/2 = 3*N + 1`, `(2*N + 1)/4 = N/2`.
    pub fn floor_div(&self, divisor: &Dim) -> Option<Dim> {
        if divisor.as_constant().is_some_and(|d| d <= 0) {
            return None;
        }
        if let Some(exact) = self.exact_div(divisor) {
            return Some(exact);
        }
        let mut whole = Dim::default();
        let mut rest = Terms::new();
        for (m, c) in self.terms() {
            let (quotient, remainder) = match divisor.as_constant() {
                // The constant's remainder is not negative, so that equal dims stay equal.
                Some(d) if m.is_empty() => (Dim::constant(c.div_euclid(d)), c.rem_euclid(d)),
                Some(d) => (Dim::term(m.clone(), c / d), c % d),
                None => match Dim::term(m.clone(), c).exact_div(divisor) {
                    Some(q) => (q, 0),
                    None => (Dim::default(), c),
                },
            };
            whole = whole.checked_add(&quotient)?;
            if remainder != 0 {
                rest.insert(m, remainder);
            }
        }
        let mut divisor = divisor.clone();
        if let Some(d) = divisor.as_constant() {
            // floor((g*a + r) / (g*d)) = floor((a + floor(r/g)) / d)
            let factors = rest.iter().filter(|(m, _)| !m.is_empty());
            let common = factors.fold(d, |g, (_, c)| gcd(g, *c));
            rest = rest
                .into_iter()
                .map(|(m, c)| (m, c.div_euclid(common)))
                .filter(|(_, c)| *c != 0)
                .collect();
            if rest.keys().all(Vec::is_empty) {
                return Some(whole); // What is left is below the divisor.
            }
            divisor = Dim::constant(d / common);
            if common > 1 {
                // A smaller divisor may let more out.
                return whole.checked_add(&Dim::from_terms(rest).floor_div(&divisor)?);
            }
        }
        let rest = Dim::from_terms(rest);
        if rest.depth().max(divisor.depth()) >= DEPTH {
            return None;
        }
        let atom = Atom::Floor(Box::new(rest), Box::new(divisor));
        whole.checked_add(&Dim::term(vec![(atom, 1)], 1))
    }

    /// Whether it prints as a product of symbols and a positive number.
    fn is_product(&self) -> bool {
        match &self.0 {
            Form::Constant(c) => *c >= 0,
            Form::Symbol(_) => true,
            Form::Polynomial(terms) => {
                let atoms = || terms.keys().flatten().map(|(atom, _)| atom);
                terms.len() == 1
                    && terms.values().all(|c| *c > 0)
                    && atoms().all(|a| matches!(a, Atom::Symbol(_)))
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

fn greatest(terms: &Terms) -> Option<(&Monomial, i64)> {
    let found = terms.iter().max_by_key(|(m, _)| order(m));
    found.map(|(m, c)| (m, *c))
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

fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    // Not above the divisor that it starts from, which is an i64.
    i64::try_from(a).unwrap_or(1)
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

impl fmt::Display for Dim {
    /// `B`, `3*B + 2`, `(N + 2)/S + 1`: highest degree first, the constant last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let terms = match &self.0 {
            Form::Constant(c) => return write!(f, "{c}"),
            Form::Symbol(s) => return write!(f, "{s}"),
            Form::Polynomial(terms) => terms,
        };
        let mut terms: Vec<_> = terms.iter().collect();
        terms.sort_by_cached_key(|(m, _)| std::cmp::Reverse(order(m)));
        for (i, (m, c)) in terms.into_iter().enumerate() {
            match (i, *c < 0) {
                (0, false) => {}
                (0, true) => f.write_str("-")?,
                (_, false) => f.write_str(" + ")?,
                (_, true) => f.write_str(" - ")?,
            }
            let magnitude = c.unsigned_abs();
            let mut times = "";
            if m.is_empty() || magnitude != 1 {
                write!(f, "{magnitude}")?;
                times = "*";
            }
            let alone = m.len() == 1 && magnitude == 1;
            for (atom, power) in m {
                for _ in 0..*power {
                    f.write_str(times)?;
                    times = "*";
                    match atom {
                        Atom::Symbol(s) => write!(f, "{s}")?,
                        // A quotient is read from the left: `2*N/S` would be another one.
                        Atom::Floor(a, b) if alone && *power == 1 => quotient(f, a, b)?,
                        Atom::Floor(a, b) => {
                            f.write_str("(")?;
                            quotient(f, a, b)?;
                            f.write_str(")")?;
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

fn quotient(f: &mut fmt::Formatter<'_>, a: &Dim, b: &Dim) -> fmt::Result {
    match a.is_product() {
        true => write!(f, "{a}/")?,
        false => write!(f, "({a})/")?,
    }
    match b.as_constant().is_some() || b.as_symbol().is_some() {
        true => write!(f, "{b}"),
        false => write!(f, "({b})"),
    }
}

impl fmt::Debug for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
