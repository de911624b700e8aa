//! Equations between dims: what `where(..)` declares, and what const assertions will check.
//!
//! An equation that is linear in a symbol replaces the symbol everywhere, any other one the product
//! that one of its sides is (`2 * A == 3 * B`, `H * D == G * K`). Types are then equal by normal form.

use sinew_ir::{Constraint, Dim, Relation, Symbol, Type};

/// What stands for what.
#[derive(Default, Clone)]
pub struct Equations {
    /// Symbols that are replaced: none of them is left in any value.
    symbols: Vec<(Symbol, Dim)>,
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

/// How often products are replaced at most: two equations can make each other's products.
const ROUNDS: usize = 16;

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

    /// Adds `left == right`; whether anything could be replaced by it.
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
        let symbols: Vec<Symbol> = first.into_iter().chain(difference.symbols()).collect();
        let solved = |solve: fn(&Dim, &Symbol) -> Option<Dim>| {
            let mut each = symbols.iter();
            each.find_map(|s| Some((s.clone(), solve(&difference, s)?)))
        };
        if let Some((symbol, value)) = solved(solve).or_else(|| solved(solve_exactly)) {
            for known in self.values() {
                if let Some(new) = replace(known, &symbol, &value) {
                    *known = new;
                }
            }
            self.symbols.push((symbol, value));
            return true;
        }
        let product = Product::of(&left, &right).or_else(|| Product::of(&right, &left));
        let found = product.is_some();
        self.products.extend(product);
        found
    }

    fn values(&mut self) -> impl Iterator<Item = &mut Dim> {
        let symbols = self.symbols.iter_mut().map(|(_, value)| value);
        symbols.chain(self.products.iter_mut().map(|p| &mut p.value))
    }

    /// Whether a symbol is replaced.
    pub fn replaces(&self, symbol: &Symbol) -> bool {
        self.symbols.iter().any(|(s, _)| s == symbol)
    }

    /// A dim with every replaced symbol gone but those of `kept`, and with all products; `None` past 64
    /// bits.
    pub fn with_symbols(&self, dim: &Dim, kept: &[Symbol]) -> Option<Dim> {
        if self.symbols.is_empty() {
            return Some(dim.clone());
        }
        let value = |s: &Symbol| {
            if kept.contains(s) {
                return None;
            }
            let found = self.symbols.iter().find(|(symbol, _)| symbol == s);
            found.map(|(_, value)| value.clone())
        };
        dim.substitute(&value).ok()
    }

    /// A dim with everything replaced; `None` past 64 bits.
    pub fn dim(&self, dim: &Dim) -> Option<Dim> {
        let mut dim = self.with_symbols(dim, &[])?;
        for _ in 0..ROUNDS {
            let before = dim.clone();
            for product in &self.products {
                dim = product.replace_in(&dim);
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
    fn of(left: &Dim, value: &Dim) -> Option<Product> {
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

    /// The dim with each multiple of the product replaced; as it is where that cannot be told.
    fn replace_in(&self, dim: &Dim) -> Dim {
        // dim = rest + multiple * symbols
        let mut rest = Dim::default();
        let mut multiple = dim.clone();
        let mut taken = Dim::constant(1);
        for s in &self.symbols {
            let symbol = Dim::from(s.clone());
            let Some((without, quotient)) = split(&multiple, s, &symbol) else {
                return dim.clone();
            };
            let parts = without.checked_mul(&taken);
            let parts = parts.and_then(|p| rest.checked_add(&p));
            let (Some(sum), Some(product)) = (parts, taken.checked_mul(&symbol)) else {
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
        let replaced = count.checked_mul(&self.value);
        let left = left.checked_mul(&taken);
        let out = replaced
            .zip(left)
            .and_then(|(a, b)| a.checked_add(&b)?.checked_add(&rest));
        out.unwrap_or_else(|| dim.clone())
    }
}

/// `dim` as `without + symbol * quotient`, where `without` is free of the symbol.
fn split(dim: &Dim, of: &Symbol, symbol: &Dim) -> Option<(Dim, Dim)> {
    let without = replace(dim, of, &Dim::constant(0))?;
    let quotient = dim.checked_sub(&without)?.exact_div(symbol)?;
    Some((without, quotient))
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
        // 2 H D = 6: neither H nor D alone.
        assert!(equations.add(&Dim::constant(6), &product.checked_add(&e).expect("small")));
        assert_eq!(equations.dim(&e), equations.dim(&product));
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
        assert!(equations.add(&times(&[&two, &half]), &Dim::constant(64)));
        assert_eq!(equations.dim(&half), Some(Dim::constant(32)));
    }

    #[test]
    fn a_product_is_replaced_where_no_symbol_can_be() {
        let [a, b, h, d, g, k] = ["A", "B", "H", "D", "G", "K"].map(Dim::symbol);
        let (two, three) = (Dim::constant(2), Dim::constant(3));
        let mut equations = Equations::default();
        assert!(equations.add(&times(&[&two, &a]), &times(&[&three, &b])));
        assert!(equations.add(&times(&[&h, &d]), &times(&[&g, &k])));
        let dim = |of: &Dim| equations.dim(of).expect("small");
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
