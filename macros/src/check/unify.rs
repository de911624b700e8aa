//! A callee's symbols from the arguments of a call.

use sinew_ir::{Dim, Shape, Symbol, SymbolKind};
use std::collections::HashMap;

/// What a callee's symbols are at one call.
#[derive(Default)]
pub struct Instance {
    /// Sizes.
    pub sizes: HashMap<Symbol, Dim>,
    /// The sequence.
    pub sequence: Option<(Symbol, Shape)>,
}

/// A declared dim and the actual one that must equal it.
pub struct Pending {
    /// As declared by the callee, in its symbols; in the caller's if `resolved`.
    pub declared: Dim,
    /// Whether `declared` is in the caller's symbols already.
    pub resolved: bool,
    /// As it is in the call.
    pub actual: Dim,
    /// Which argument.
    pub argument: usize,
}

/// Why an argument's shape cannot fit.
pub enum Misfit {
    /// The number of dims.
    Rank,
    /// The sequence was bound to another shape before.
    Sequence(Shape),
}

impl Instance {
    /// Matches one declared shape with an actual one: symbols that are not bound become bound, what
    /// must be compared is added to `pending`.
    pub fn shape(
        &mut self,
        symbols: &[(Symbol, SymbolKind)],
        declared: &Shape,
        actual: &Shape,
        argument: usize,
        pending: &mut Vec<Pending>,
    ) -> Result<(), Misfit> {
        let trailing = match &declared.sequence {
            None => {
                if actual.sequence.is_some() || actual.dims.len() != declared.dims.len() {
                    return Err(Misfit::Rank);
                }
                0
            }
            Some(symbol) => {
                let Some(leading) = actual.dims.len().checked_sub(declared.dims.len()) else {
                    return Err(Misfit::Rank);
                };
                let lead = Shape {
                    sequence: actual.sequence.clone(),
                    dims: actual.dims[..leading].to_vec(),
                };
                match &self.sequence {
                    Some((_, bound)) => {
                        let same =
                            bound.sequence == lead.sequence && bound.dims.len() == lead.dims.len();
                        if !same {
                            return Err(Misfit::Sequence(bound.clone()));
                        }
                        for (b, l) in bound.dims.iter().zip(&lead.dims) {
                            pending.push(Pending {
                                declared: b.clone(),
                                resolved: true,
                                actual: l.clone(),
                                argument,
                            });
                        }
                    }
                    None => self.sequence = Some((symbol.clone(), lead)),
                }
                leading
            }
        };
        for (declared, actual) in declared.dims.iter().zip(&actual.dims[trailing..]) {
            self.dim(symbols, declared, actual, argument, pending);
        }
        Ok(())
    }

    /// Matches one declared dim with an actual one.
    pub fn dim(
        &mut self,
        symbols: &[(Symbol, SymbolKind)],
        declared: &Dim,
        actual: &Dim,
        argument: usize,
        pending: &mut Vec<Pending>,
    ) {
        if let Some(symbol) = declared.as_symbol()
            && symbols.iter().any(|(s, _)| s == symbol)
            && !self.sizes.contains_key(symbol)
        {
            self.sizes.insert(symbol.clone(), actual.clone());
            return;
        }
        pending.push(Pending {
            declared: declared.clone(),
            resolved: false,
            actual: actual.clone(),
            argument,
        });
    }

    /// Learns symbols from equations between declared dims and dims of the call, where one symbol alone
    /// is missing and the equation is linear in it. What `declared` holds may be of the call already.
    pub fn learn(&mut self, symbols: &[(Symbol, SymbolKind)], declared: &Dim, actual: &Dim) {
        let free = |d: &Dim| -> Vec<Symbol> {
            let unbound =
                |s: &Symbol| symbols.iter().any(|(d, _)| d == s) && !self.sizes.contains_key(s);
            d.symbols().into_iter().filter(unbound).collect()
        };
        let [symbol] = &free(declared)[..] else {
            return;
        };
        // The missing symbol must not meet one of the caller's that is called alike.
        let mark = Symbol::new("\u{3f}");
        let known = |s: &Symbol| match s == symbol {
            true => Some(Dim::from(mark.clone())),
            false => self.sizes.get(s).cloned(),
        };
        let Ok(declared) = declared.substitute(&known) else {
            return;
        };
        let value = declared
            .checked_sub(actual)
            .and_then(|zero| zero.solve(&mark));
        if let Some(value) = value {
            self.sizes.insert(symbol.clone(), value);
        }
    }

    /// A declared dim at this call; `None` while a symbol in it is not bound.
    pub fn apply(&self, symbols: &[(Symbol, SymbolKind)], declared: &Dim) -> Option<Dim> {
        let unbound =
            |s: &Symbol| symbols.iter().any(|(d, _)| d == s) && !self.sizes.contains_key(s);
        if declared.symbols().iter().any(unbound) {
            return None;
        }
        declared.substitute(&|s| self.sizes.get(s).cloned()).ok()
    }

    /// A declared shape at this call.
    pub fn apply_shape(&self, symbols: &[(Symbol, SymbolKind)], declared: &Shape) -> Option<Shape> {
        let mut out = match (&declared.sequence, &self.sequence) {
            (None, _) => Shape::scalar(),
            (Some(_), Some((_, lead))) => lead.clone(),
            (Some(_), None) => return None,
        };
        for d in &declared.dims {
            out.dims.push(self.apply(symbols, d)?);
        }
        Some(out)
    }
}
