//! Dims that are linear in a symbol, and what the symbol then is.

use super::{Atom, Dim, Symbol, Terms};

impl Dim {
    /// `(slope, rest)` if it is `slope * symbol + rest`, where neither has the symbol in it and the slope
    /// is not 0.
    pub fn line(&self, symbol: &Symbol) -> Option<(Dim, Dim)> {
        let (mut slope, mut rest) = (Terms::new(), Terms::new());
        for (mut monomial, c) in self.terms() {
            let is = |atom: &Atom| matches!(atom, Atom::Symbol(s) if s == symbol);
            match monomial.iter().position(|(atom, _)| is(atom)) {
                Some(at) if monomial[at].1 == 1 => {
                    monomial.remove(at);
                    slope.insert(monomial, c);
                }
                Some(_) => return None,
                None => {
                    rest.insert(monomial, c);
                }
            }
        }
        let (slope, rest) = (Dim::from_terms(slope), Dim::from_terms(rest));
        // Inside a floor division it is not linear.
        let free = |d: &Dim| !d.symbols().contains(symbol);
        let sloped = slope.as_constant() != Some(0);
        (sloped && free(&slope) && free(&rest)).then_some((slope, rest))
    }

    /// The value of `symbol` where this dim is 0, if it is linear in it and the division is exact.
    pub fn solve(&self, symbol: &Symbol) -> Option<Dim> {
        let (slope, rest) = self.line(symbol)?;
        Dim::constant(0).checked_sub(&rest)?.exact_div(&slope)
    }
}
