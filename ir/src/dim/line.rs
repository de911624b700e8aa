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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_linear_is_solved() {
        let (n, b) = (Dim::symbol("N"), Dim::symbol("B"));
        let symbol = Symbol::new("N");
        let two = Dim::constant(2);
        // 2 N B - 6 B = 0
        let product = n.checked_mul(&b).and_then(|d| d.checked_mul(&two));
        let taken = b.checked_mul(&Dim::constant(6)).expect("small");
        let zero = product.and_then(|d| d.checked_sub(&taken)).expect("small");
        assert_eq!(zero.solve(&symbol), Some(Dim::constant(3)));
        assert_eq!(zero.line(&Symbol::new("K")), None);
        // 2 N = 5 has no whole solution, N N none that is linear, N / 2 many.
        let five = n
            .checked_mul(&two)
            .and_then(|d| d.checked_sub(&Dim::constant(5)));
        assert_eq!(five.expect("small").solve(&symbol), None);
        assert_eq!(n.checked_mul(&n).expect("small").line(&symbol), None);
        assert_eq!(n.floor_div(&two).expect("small").line(&symbol), None);
        let both = n.floor_div(&two).and_then(|d| d.checked_add(&n));
        assert_eq!(both.expect("small").line(&symbol), None);
    }
}
