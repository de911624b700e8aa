//! Equations between dims: what `where(..)` declares, and what const assertions will check.
//!
//! An equation that is linear in a symbol replaces the symbol everywhere, any other one the product
//! that one of its sides is (`2 * A == 3 * B`, `H * D == G * K`). Types are then equal by normal form.

use sinew_ir::{Constraint, Dim, Relation, Symbol, Type};
use std::collections::HashMap;

/// What stands for what.
#[derive(Default, Clone)]
pub struct Equations {
    /// Symbols that are replaced. A value may hold symbols that were replaced later, never its own.
    symbols: HashMap<Symbol, Dim>,
    /// Products that are replaced where no symbol could be.
    products: Vec<Product>,
}

/// `coefficient * symbols == value`.
#[derive(Clone)]
struct Product {
    coefficient: i64,
    symbols: Vec<Symbol>,
    value: Dim,
}

/// What an equation replaces.
#[derive(Clone, PartialEq, Debug)]
pub enum Replaced {
    /// This symbol.
    Symbol(Symbol),
    /// A product.
    Product,
}

/// How often products are replaced at most: two equations can make each other's products.
const ROUNDS: usize = 16;

impl Equations {
    /// Those that a function's constraints make.
    pub fn from_constraints(constraints: &[Constraint]) -> Equations {
        let mut out = Equations::default();
        for c in constraints {
            if c.relation == Relation::Equal {
                out.add(&c.left, &c.right);
            }
        }
        out
    }

    /// Adds `left == right`, and says what it replaces; `None` where nothing could be.
    ///
    /// A side that is one symbol is replaced first, the left one before the right one.
    pub fn add(&mut self, left: &Dim, right: &Dim) -> Option<Replaced> {
        let (left, right) = (self.dim(left)?, self.dim(right)?);
        let zero = left.checked_sub(&right)?;
        if zero.as_constant().is_some() {
            return None;
        }
        let first = left.as_symbol().or(right.as_symbol()).cloned();
        let symbols: Vec<Symbol> = first.into_iter().chain(zero.symbols()).collect();
        let solved = |s: &Symbol| Some((s.clone(), zero.solve(s)?));
        // One that occurs once goes before one that the equation must be divided for.
        let once = |s: &&Symbol| {
            let slope = zero.line(s).and_then(|(slope, _)| slope.as_constant());
            slope.is_some_and(|c| c.abs() == 1)
        };
        let mut plain = symbols.iter().filter(once);
        let solution = plain.find_map(solved);
        if let Some((symbol, value)) = solution.or_else(|| symbols.iter().find_map(solved)) {
            self.symbols.insert(symbol.clone(), value);
            return Some(Replaced::Symbol(symbol));
        }
        let product =
            Product::from_sides(&left, &right).or_else(|| Product::from_sides(&right, &left));
        self.products.push(product?);
        Some(Replaced::Product)
    }

    /// Whether a symbol is replaced.
    pub fn replaces(&self, symbol: &Symbol) -> bool {
        self.symbols.contains_key(symbol)
    }

    /// A dim with every replaced symbol gone but those of `kept`, and with all products; `None` past 64
    /// bits.
    pub fn with_symbols(&self, dim: &Dim, kept: &[Symbol]) -> Option<Dim> {
        let replaced = |s: &Symbol| match kept.contains(s) {
            true => None,
            false => self.symbols.get(s),
        };
        let mut dim = dim.clone();
        // No symbol's value leads back to it, so this ends.
        while dim.symbols().iter().any(|s| replaced(s).is_some()) {
            dim = dim.substitute(&|s| replaced(s).cloned()).ok()?;
        }
        Some(dim)
    }

    /// A dim with everything replaced; `None` past 64 bits.
    pub fn dim(&self, dim: &Dim) -> Option<Dim> {
        let mut dim = self.with_symbols(dim, &[])?;
        if self.products.is_empty() {
            return Some(dim);
        }
        for _ in 0..ROUNDS {
            let before = dim.clone();
            for product in &self.products {
                // The value was written before later equations.
                let value = self.with_symbols(&product.value, &[])?;
                dim = product.replace_in(&dim, &value);
            }
            if dim == before {
                break;
            }
        }
        Some(dim)
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

impl Product {
    /// The equation with `left` to be replaced, if it is a product of symbols and a number.
    fn from_sides(left: &Dim, value: &Dim) -> Option<Product> {
        let mut symbols = Vec::new();
        let mut rest = left.clone();
        for s in left.symbols() {
            let divisor = Dim::from(s.clone());
            while let Some(quotient) = rest.exact_div(&divisor) {
                symbols.push(s.clone());
                rest = quotient;
            }
        }
        let coefficient = rest.as_constant().filter(|c| *c > 0)?;
        // A value with the product in it would go round for ever.
        let again = !symbols.is_empty() && symbols.iter().all(|s| value.symbols().contains(s));
        (!symbols.is_empty() && !again).then(|| Product {
            coefficient,
            symbols,
            value: value.clone(),
        })
    }

    /// The dim with each multiple of the product replaced by that of `value`; as it is where that cannot
    /// be told.
    fn replace_in(&self, dim: &Dim, value: &Dim) -> Dim {
        // dim = rest + multiple * symbols
        let mut rest = Dim::default();
        let mut multiple = dim.clone();
        let mut taken = Dim::constant(1);
        for symbol in &self.symbols {
            let Some((without, quotient)) = split(&multiple, symbol) else {
                return dim.clone();
            };
            let parts = without.checked_mul(&taken);
            let parts = parts.and_then(|p| rest.checked_add(&p));
            let (Some(sum), Some(product)) = (parts, taken.checked_mul(&Dim::from(symbol.clone())))
            else {
                return dim.clone();
            };
            (rest, multiple, taken) = (sum, quotient, product);
        }
        let coefficient = Dim::constant(self.coefficient);
        let (count, left) = match multiple.as_constant() {
            Some(c) => (
                Dim::constant(c.div_euclid(self.coefficient)),
                Dim::constant(c.rem_euclid(self.coefficient)),
            ),
            None => match multiple.exact_div(&coefficient) {
                Some(count) => (count, Dim::default()),
                None => return dim.clone(),
            },
        };
        let replaced = count.checked_mul(value);
        let left = left.checked_mul(&taken);
        let out = replaced
            .zip(left)
            .and_then(|(a, b)| a.checked_add(&b)?.checked_add(&rest));
        out.unwrap_or_else(|| dim.clone())
    }
}

/// `dim` as `without + symbol * quotient`, where `without` is free of the symbol.
fn split(dim: &Dim, symbol: &Symbol) -> Option<(Dim, Dim)> {
    let without = replace(dim, symbol, &Dim::constant(0))?;
    let quotient = dim
        .checked_sub(&without)?
        .exact_div(&Dim::from(symbol.clone()))?;
    Some((without, quotient))
}

fn replace(dim: &Dim, symbol: &Symbol, value: &Dim) -> Option<Dim> {
    dim.substitute(&|s| (s == symbol).then(|| value.clone()))
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_symbol_is_replaced_by_the_other_side() {
        let (e, h, d) = (Dim::symbol("E"), Dim::symbol("H"), Dim::symbol("D"));
        let product = h.checked_mul(&d).expect("small");
        let mut equations = Equations::default();
        assert!(equations.add(&e, &product).is_some());
        assert_eq!(equations.dim(&e), Some(product.clone()));
        assert_eq!(equations.add(&product, &e), None, "known already");
        // 2 H D = 6: neither H nor D alone.
        let sum = product.checked_add(&e).expect("small");
        assert!(equations.add(&Dim::constant(6), &sum).is_some());
        assert_eq!(equations.dim(&e), equations.dim(&product));
    }

    #[test]
    fn equations_are_chained() {
        let [a, b, c] = ["A", "B", "C"].map(Dim::symbol);
        let mut equations = Equations::default();
        assert!(equations.add(&a, &b).is_some());
        assert!(equations.add(&b, &c).is_some());
        assert_eq!(equations.add(&a, &c), None, "known already");
        assert_eq!(equations.dim(&a), Some(c));
    }

    fn times(dims: &[&Dim]) -> Dim {
        let one = Dim::constant(1);
        dims.iter()
            .fold(one, |p, d| p.checked_mul(d).expect("small"))
    }

    #[test]
    fn an_exact_solution_is_taken() {
        let (two, half) = (Dim::constant(2), Dim::symbol("HALF"));
        let mut equations = Equations::default();
        let double = times(&[&two, &half]);
        let replaced = equations.add(&double, &Dim::constant(64));
        assert_eq!(replaced, Some(Replaced::Symbol(Symbol::new("HALF"))));
        assert_eq!(equations.dim(&half), Some(Dim::constant(32)));
    }

    #[test]
    fn a_product_is_replaced_where_no_symbol_can_be() {
        let [a, b, h, d, g, k] = ["A", "B", "H", "D", "G", "K"].map(Dim::symbol);
        let (two, three) = (Dim::constant(2), Dim::constant(3));
        let mut equations = Equations::default();
        for (left, right) in [([&two, &a], [&three, &b]), ([&h, &d], [&g, &k])] {
            let replaced = equations.add(&times(&left), &times(&right));
            assert_eq!(replaced, Some(Replaced::Product));
        }
        let dim = |dim: &Dim| equations.dim(dim).expect("small");
        let five = times(&[&Dim::constant(5), &a]);
        let expected = times(&[&Dim::constant(6), &b])
            .checked_add(&a)
            .expect("small");
        assert_eq!(dim(&five), expected);
        let left = times(&[&b, &h, &d]).checked_add(&two).expect("small");
        let right = times(&[&b, &g, &k]).checked_add(&two).expect("small");
        assert_eq!(dim(&left), dim(&right));
        assert_eq!(dim(&h), h);
    }
}
