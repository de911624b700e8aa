//! Prints dims: `B`, `3*B + 2`, `(N + 2)/S + 1`.

use super::{Atom, Dim, Form, order};
use std::fmt;

impl fmt::Display for Dim {
    /// Highest degree first, the constant last.
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

impl Dim {
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
