//! Division of dims: exact where it is, else a floor with all that can come out of it taken out.

use super::{Atom, Dim, Form, LARGEST, Monomial, Terms, add_term, order};
use std::collections::BTreeMap;

/// How deep floor divisions may nest.
const DEPTH: usize = 64;

impl Dim {
    /// The quotient where `self` is a multiple of `divisor` for all values of the symbols. `None` also
    /// where the division cannot tell within the size of a dim.
    pub fn exact_div(&self, divisor: &Dim) -> Option<Dim> {
        if let (Form::Constant(a), Form::Constant(b)) = (&self.0, &divisor.0) {
            let quotient = a.checked_div(*b)?;
            return (a.checked_rem(*b)? == 0).then(|| Dim::constant(quotient));
        }
        // Polynomial long division by the divisor's greatest term.
        let terms = divisor.terms();
        let (lead, lead_c) = greatest(&terms)?;
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
            let taken = term.checked_mul(divisor)?;
            for (m, c) in taken.terms() {
                add_term(&mut rest, m, c.checked_neg()?)?;
            }
            add_term(&mut quotient, powers, factor)?;
            if rest.len().max(quotient.len()) > LARGEST {
                return None;
            }
        }
        Dim::of_size(quotient)
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

    /// `floor(self / divisor)`; `None` for a divisor that is the constant zero or below, where the quotient
    /// is too large, and where divisions would nest deeper than anyone writes them: what recurses over dims stays on the stack.
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
        whole.checked_add(&Dim::of_size(Terms::from([(vec![(atom, 1)], 1)]))?)
    }
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

fn gcd(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    // Not above the divisor that it starts from, which is an i64.
    i64::try_from(a).unwrap_or(1)
}
