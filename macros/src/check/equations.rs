//! Equations between dims: what `where(..)` declares, and what const assertions will check.
//!
//! An equation that is linear in a symbol replaces it everywhere; the rest stays undecided. Types are
//! then equal by normal form.

use sinew_ir::{Constraint, Dim, Relation, Symbol, Type};

/// Symbols and what stands for them.
#[derive(Default, Clone)]
pub struct Equations(Vec<(Symbol, Dim)>);

impl Equations {
    /// Those that a function's constraints make.
    pub fn of(constraints: &[Constraint]) -> Equations {
        let mut out = Equations::default();
        for c in constraints {
            if c.relation == Relation::Equal {
                out.add(&c.left, &c.right);
            }
        }
        out
    }

    /// Adds `left == right`; whether a symbol could be replaced by it.
    pub fn add(&mut self, left: &Dim, right: &Dim) -> bool {
        let (Some(left), Some(right)) = (self.dim(left), self.dim(right)) else {
            return false;
        };
        let Some(difference) = left.checked_sub(&right) else {
            return false;
        };
        if difference.as_constant().is_some() {
            return false;
        }
        // A side that is one symbol goes first: it is what the author wants read as the other side.
        let first = left.as_symbol().or(right.as_symbol()).cloned();
        let symbols = first.into_iter().chain(difference.symbols());
        for symbol in symbols {
            if let Some(value) = solve(&difference, &symbol) {
                for (_, old) in &mut self.0 {
                    if let Some(new) = replace(old, &symbol, &value) {
                        *old = new;
                    }
                }
                self.0.push((symbol, value));
                return true;
            }
        }
        false
    }

    /// Whether a symbol is replaced.
    pub fn replaces(&self, symbol: &Symbol) -> bool {
        self.0.iter().any(|(s, _)| s == symbol)
    }

    /// A dim with every replaced symbol gone; `None` past 64 bits.
    pub fn dim(&self, dim: &Dim) -> Option<Dim> {
        if self.0.is_empty() {
            return Some(dim.clone());
        }
        let value = |s: &Symbol| {
            let found = self.0.iter().find(|(symbol, _)| symbol == s);
            found.map(|(_, value)| value.clone())
        };
        dim.substitute(&value).ok()
    }

    /// A type likewise.
    pub fn ty(&self, ty: &Type) -> Option<Type> {
        let mut ty = ty.clone();
        for d in &mut ty.shape.dims {
            *d = self.dim(d)?;
        }
        Some(ty)
    }
}

fn replace(dim: &Dim, symbol: &Symbol, value: &Dim) -> Option<Dim> {
    dim.substitute(&|s| (s == symbol).then(|| value.clone()))
        .ok()
}

/// The value of `symbol` where `zero` is 0, if `zero` is linear in it and the division is exact.
pub fn solve_exactly(zero: &Dim, symbol: &Symbol) -> Option<Dim> {
    let rest = replace(zero, symbol, &Dim::constant(0))?;
    let slope = replace(zero, symbol, &Dim::constant(1))?.checked_sub(&rest)?;
    let line = slope
        .checked_mul(&Dim::from(symbol.clone()))?
        .checked_add(&rest)?;
    if line != *zero || slope.symbols().contains(symbol) {
        return None;
    }
    Dim::constant(0).checked_sub(&rest)?.exact_div(&slope)
}

/// The value of `symbol` where `zero` is 0, if `zero` is linear in it with coefficient 1 or -1.
fn solve(zero: &Dim, symbol: &Symbol) -> Option<Dim> {
    let rest = replace(zero, symbol, &Dim::constant(0))?;
    let slope = zero.checked_sub(&rest)?;
    let plain = Dim::from(symbol.clone());
    let minus = Dim::constant(0).checked_sub(&plain)?;
    // zero = ±symbol + rest, and rest is free of it.
    if rest.symbols().contains(symbol) {
        return None;
    }
    if slope == plain {
        Dim::constant(0).checked_sub(&rest)
    } else if slope == minus {
        Some(rest)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_is_replaced_by_the_other_side() {
        let (e, h, d) = (Dim::symbol("E"), Dim::symbol("H"), Dim::symbol("D"));
        let product = h.checked_mul(&d).expect("small");
        let mut equations = Equations::default();
        assert!(equations.add(&e, &product));
        assert_eq!(equations.dim(&e), Some(product.clone()));
        assert!(!equations.add(&product, &e), "known already");
        // 2 H D = 6 is linear in no symbol.
        assert!(!equations.add(&Dim::constant(6), &product.checked_add(&e).expect("small")));
    }
}
