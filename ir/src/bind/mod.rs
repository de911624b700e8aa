//! Bindings: what the symbols of a function are for one configuration and one set of actual arguments.
//!
//! Configuration and Rust consts give values of every type; arguments tell sizes.
//! Declared shapes are unified with actual ones: a dim that is one symbol binds it; any other dim is
//! computed once its symbols are known, or solved for the one that is not, where it is linear in it.
//! A square or a rounded quotient is never solved: it waits for another argument to tell its symbol.
//! Errors are read by users at run time: each names the argument, the declared shape, the expected and
//! the actual extent, and where a symbol got its value.

mod error;

use crate::dim::{Dim, DimError, Symbol};
use crate::dtype::DType;
use crate::function::Function;
use crate::shape::Shape;
use crate::symbol::{SymbolKind, SymbolSource, SymbolType, SymbolValue};
pub use error::BindError;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What the symbols of a function are.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Binding {
    /// What the working float is: `F32` or `F64`.
    pub float: DType,
    /// The value of every symbol (of Rust consts too, where the caller has them).
    pub values: BTreeMap<Symbol, SymbolValue>,
    /// The extents of the leading sequence; `None` for a function without one.
    pub sequence: Option<Vec<usize>>,
    /// Whether it is for a step of a trainer, where elements are left out at random.
    pub training: bool,
}

impl Binding {
    /// The binding of a function without symbols.
    pub fn new(float: DType) -> Self {
        Binding {
            float,
            values: BTreeMap::new(),
            sequence: None,
            training: false,
        }
    }

    /// For a step of a trainer, or for what only runs.
    #[must_use]
    pub fn with_training(self, training: bool) -> Self {
        Binding { training, ..self }
    }

    /// With one more symbol, or another value of it.
    #[must_use]
    pub fn with(mut self, symbol: &str, value: impl Into<SymbolValue>) -> Self {
        self.values.insert(Symbol::new(symbol), value.into());
        self
    }

    /// With these extents of the leading sequence.
    #[must_use]
    pub fn with_sequence(mut self, extents: &[usize]) -> Self {
        self.sequence = Some(extents.to_vec());
        self
    }

    /// Finds what the symbols of `function` are: `known` ones are given (configuration, consts), the
    /// other sizes are learnt from the actual extents of parameters, given by position. Known values of
    /// what is no symbol of the function are not looked at.
    ///
    /// # Errors
    /// Known values of another type than their symbol's, or two of one symbol; arguments that fit neither each other nor the declared shapes; a symbol that nothing
    /// binds; a constraint that does not hold.
    pub fn infer(
        function: &Function,
        float: DType,
        known: &[(Symbol, SymbolValue)],
        params: &[(usize, Vec<usize>)],
    ) -> Result<Binding, BindError> {
        match float {
            DType::F32 | DType::F64 => {}
            DType::Float | DType::F16 | DType::Bf16 | DType::I32 | DType::U32 | DType::Bool => {
                return Err(BindError::Float(float));
            }
        }
        let mut unifier = Unifier::new(function);
        for (symbol, value) in known {
            unifier.given(symbol, *value)?;
        }
        let open = unifier.params(params)?;
        open.iter().try_for_each(|at| unifier.unsolved(at))?;
        unifier.complete_but(&|_| false, false)?;
        unifier.constraints()?;
        let mut values = unifier.known;
        for (symbol, (size, _)) in unifier.sizes {
            values.insert(symbol, SymbolValue::Size(size));
        }
        Ok(Binding {
            float,
            values,
            sequence: unifier.sequence.map(|(extents, _)| extents),
            training: false,
        })
    }

    /// Whether arguments of any extents can fit what is `known`, and the `params` that are there before them: what
    /// [`Binding::infer`] says of these, and of a symbol that is in no parameter's dims.
    ///
    /// # Errors
    /// As there.
    pub fn possible(
        function: &Function,
        known: &[(Symbol, SymbolValue)],
        params: &[(usize, Vec<usize>)],
    ) -> Result<(), BindError> {
        let mut unifier = Unifier::new(function);
        for (symbol, value) in known {
            unifier.given(symbol, *value)?;
        }
        unifier.params(params)?;
        unifier.constraints()?;
        let shapes = || {
            let params = function.params.iter().zip(&function.values);
            params.map(|(_, ty)| &ty.shape)
        };
        let told = |symbol: &Symbol| {
            let mut dims = shapes().flat_map(|s| &s.dims);
            dims.any(|d| d.symbols().contains(symbol))
        };
        unifier.complete_but(&told, shapes().any(|s| s.sequence.is_some()))
    }

    /// The value of a size.
    pub fn size(&self, symbol: &Symbol) -> Option<usize> {
        self.values.get(symbol)?.size()
    }

    /// The extents of a shape of the bound function.
    ///
    /// # Errors
    /// A dim that is negative or has an unbound symbol in it.
    pub fn extents(&self, shape: &Shape) -> Result<Vec<usize>, DimError> {
        let mut out = Vec::with_capacity(shape.len());
        if let Some(s) = &shape.sequence {
            match &self.sequence {
                Some(extents) => out.extend(extents),
                None => return Err(DimError::Unbound(s.clone())),
            }
        }
        for d in &shape.dims {
            out.push(d.evaluate(&|s| self.size(s))?);
        }
        Ok(out)
    }
}

struct Unifier<'a> {
    function: &'a Function,
    /// What was given, of every type.
    known: BTreeMap<Symbol, SymbolValue>,
    /// Each size, and the parameter it comes from; `None` for known ones.
    sizes: BTreeMap<Symbol, (usize, Option<usize>)>,
    /// The sequence's extents, and the parameter they come from.
    sequence: Option<(Vec<usize>, usize)>,
}

/// A dim that could not be compared at once.
struct Later<'p> {
    param: usize,
    axis: usize,
    dim: &'p Dim,
    actual: &'p [usize],
}

impl<'a> Unifier<'a> {
    fn new(function: &'a Function) -> Unifier<'a> {
        Unifier {
            function,
            known: BTreeMap::new(),
            sizes: BTreeMap::new(),
            sequence: None,
        }
    }

    fn given(&mut self, symbol: &Symbol, value: SymbolValue) -> Result<(), BindError> {
        let function: Box<str> = self.function.name.as_str().into();
        let mut declared = self.function.symbols.iter();
        let Some(declared) = declared.find(|d| d.symbol == *symbol) else {
            // A model has values of all its symbols, of which a function may use some only.
            return Ok(());
        };
        if declared.kind.value_type() != Some(value.ty()) {
            return Err(BindError::SymbolType {
                symbol: symbol.clone(),
                function,
                expected: declared.kind,
                found: value,
            });
        }
        match self.known.insert(symbol.clone(), value) {
            Some(before) if before != value => {
                return Err(BindError::Twice {
                    symbol: symbol.clone(),
                    function,
                    first: before,
                    second: value,
                });
            }
            Some(_) | None => {}
        }
        if let Some(size) = value.size() {
            self.sizes.insert(symbol.clone(), (size, None));
        }
        Ok(())
    }

    /// Learns sizes from parameters; gives the dims that are still open.
    fn params<'p>(&mut self, params: &'p [(usize, Vec<usize>)]) -> Result<Vec<Later<'p>>, BindError>
    where
        'a: 'p,
    {
        let mut later: Vec<Later<'p>> = Vec::new();
        for (param, actual) in params {
            let shape = self.shape(*param)?;
            let start = self.leading(*param, shape, actual)?;
            for (i, dim) in shape.dims.iter().enumerate() {
                let at = Later {
                    param: *param,
                    axis: start + i,
                    dim,
                    actual,
                };
                match dim.as_symbol() {
                    Some(s) if !self.sizes.contains_key(s) => {
                        let found = actual[at.axis];
                        self.sizes.insert(s.clone(), (found, Some(*param)));
                    }
                    Some(_) => self.compare(&at)?,
                    None if dim.as_constant().is_some() => self.compare(&at)?,
                    None => later.push(at),
                }
            }
        }
        // Each round learns a symbol or is the last.
        loop {
            let mut rest = Vec::new();
            let mut learnt = false;
            for at in later {
                let mut unknown = at.dim.symbols();
                unknown.retain(|s| !self.sizes.contains_key(s));
                match unknown.as_slice() {
                    [] => self.compare(&at)?,
                    [one] => match self.solve(&at, one) {
                        Some(value) => {
                            self.sizes.insert(one.clone(), (value, Some(at.param)));
                            self.compare(&at)?;
                            learnt = true;
                        }
                        None => rest.push(at),
                    },
                    _ => rest.push(at),
                }
            }
            if !learnt {
                return Ok(rest);
            }
            later = rest;
        }
    }

    fn shape(&self, param: usize) -> Result<&'a Shape, BindError> {
        let known = self.function.values.get(param);
        let known = known.filter(|_| param < self.function.params.len());
        known.map(|t| &t.shape).ok_or_else(|| BindError::Param {
            function: self.function.name.as_str().into(),
            position: param,
        })
    }

    /// Binds the sequence of `shape`; returns the number of dims it takes.
    fn leading(
        &mut self,
        param: usize,
        shape: &Shape,
        actual: &[usize],
    ) -> Result<usize, BindError> {
        let start = actual.len().checked_sub(shape.len());
        let (Some(start), true) = (start, shape.sequence.is_some() || start == Some(0)) else {
            let least = if shape.sequence.is_some() {
                "at least "
            } else {
                ""
            };
            let noun = if shape.len() == 1 { "dim" } else { "dims" };
            return Err(BindError::Rank {
                argument: self.name(param),
                declared: shape.to_string().into(),
                expected: format!("{least}{} {noun}", shape.len()).into(),
                found: actual.len(),
                actual: list(actual),
            });
        };
        let Some(symbol) = &shape.sequence else {
            return Ok(start);
        };
        match &self.sequence {
            None => self.sequence = Some((actual[..start].to_vec(), param)),
            Some((extents, _)) if *extents == actual[..start] => {}
            Some((extents, from)) => {
                return Err(BindError::Sequence {
                    argument: self.name(param),
                    declared: shape.to_string().into(),
                    actual: list(actual),
                    symbol: symbol.clone(),
                    expected: list(extents),
                    from: self.name(*from),
                    found: list(&actual[..start]),
                });
            }
        }
        Ok(start)
    }

    fn compare(&self, at: &Later<'_>) -> Result<(), BindError> {
        let declared = || self.function.values[at.param].shape.to_string().into();
        let value = |s: &Symbol| self.sizes.get(s).map(|(v, _)| *v);
        let found = at.actual[at.axis];
        match at.dim.evaluate(&value) {
            Ok(expected) if expected == found => Ok(()),
            Ok(expected) => Err(BindError::Extent {
                argument: self.name(at.param),
                declared: declared(),
                actual: list(at.actual),
                axis: at.axis,
                expected,
                found,
                because: self.because(at.dim, expected).into(),
            }),
            Err(error) => Err(BindError::Dim {
                argument: self.name(at.param),
                declared: declared(),
                error,
            }),
        }
    }

    /// The dim with the known symbols put in.
    fn bound(&self, at: &Later<'_>) -> Option<Dim> {
        let bound = at.dim.substitute(&|s| {
            let value = self.sizes.get(s).map(|(v, _)| *v);
            value.map(Dim::from)
        });
        bound.ok()
    }

    /// The value of `unknown` for which the dim is what is there, if the dim is linear in it.
    fn solve(&self, at: &Later<'_>, unknown: &Symbol) -> Option<usize> {
        let actual = i64::try_from(at.actual[at.axis]).ok()?;
        let zero = self.bound(at)?.checked_sub(&Dim::constant(actual))?;
        zero.solve(unknown)?.as_extent()
    }

    /// A dim with one symbol left open: no value of it fits, or more than one may. With more symbols
    /// left open, they count as unbound.
    fn unsolved(&self, at: &Later<'_>) -> Result<(), BindError> {
        let (known, open): (Vec<Symbol>, Vec<Symbol>) = at
            .dim
            .symbols()
            .into_iter()
            .partition(|s| self.sizes.contains_key(s));
        let [symbol] = open.as_slice() else {
            return Ok(());
        };
        // Where it is linear, one value at most fits, whatever the other arguments are.
        let line = self.bound(at).and_then(|dim| dim.line(symbol));
        if line.is_none() {
            return Err(BindError::Ambiguous {
                argument: self.name(at.param),
                declared: self.function.values[at.param].shape.to_string().into(),
                symbol: symbol.clone(),
                dim: at.dim.to_string().into(),
            });
        }
        let because = match known.as_slice() {
            [] => String::new(),
            known => format!(", as {}", self.values(known)),
        };
        Err(BindError::NoValue {
            argument: self.name(at.param),
            declared: self.function.values[at.param].shape.to_string().into(),
            actual: list(at.actual),
            axis: at.axis,
            symbol: symbol.clone(),
            dim: at.dim.to_string().into(),
            found: at.actual[at.axis],
            because: because.into(),
        })
    }

    /// Every declared symbol has a value, or an error says which has none. Sizes that are `told` later, and the
    /// sequence where that is, are not missing.
    fn complete_but(
        &self,
        told: &dyn Fn(&Symbol) -> bool,
        sequence: bool,
    ) -> Result<(), BindError> {
        let missing = self.function.symbols.iter().find(|d| match d.kind {
            SymbolKind::Value(SymbolType::Size, SymbolSource::Caller) => {
                !self.sizes.contains_key(&d.symbol) && !told(&d.symbol)
            }
            SymbolKind::Value(SymbolType::Float | SymbolType::Bool, SymbolSource::Caller) => {
                !self.known.contains_key(&d.symbol)
            }
            SymbolKind::Sequence => self.sequence.is_none() && !sequence,
            // rustc gives consts their values; the linker reads them off the unit.
            SymbolKind::Value(_, SymbolSource::Rustc) => false,
        });
        match missing {
            Some(d) => Err(BindError::Unbound {
                symbol: d.symbol.clone(),
                expected: d.kind,
                function: self.function.name.as_str().into(),
            }),
            None => Ok(()),
        }
    }

    fn constraints(&self) -> Result<(), BindError> {
        let value = |s: &Symbol| self.sizes.get(s).map(|(v, _)| *v);
        for c in &self.function.constraints {
            let sides = (signed(&c.left, &value), signed(&c.right, &value));
            let (Some(left), Some(right)) = sides else {
                continue; // A const whose value only the unit knows: the linker checks it.
            };
            if !c.relation.holds(&left, &right) {
                let mut symbols = c.left.symbols();
                symbols.extend(c.right.symbols());
                symbols.sort();
                symbols.dedup();
                return Err(BindError::Constraint {
                    function: self.function.name.as_str().into(),
                    constraint: format!("`{c}`").into(),
                    values: self.values(&symbols).into(),
                });
            }
        }
        Ok(())
    }

    /// `` `B` is 32 from `x` and `K` is 3 ``, with the dim itself in front if it is no symbol.
    fn because(&self, dim: &Dim, expected: usize) -> String {
        if dim.as_symbol().is_some() {
            return self.values(&dim.symbols());
        }
        match dim.symbols().as_slice() {
            [] => format!("{expected} is expected"),
            symbols => format!("`{dim}` is {expected} since {}", self.values(symbols)),
        }
    }

    fn values(&self, symbols: &[Symbol]) -> String {
        let mut out = String::new();
        for (i, s) in symbols.iter().enumerate() {
            if i > 0 {
                out.push_str(" and ");
            }
            let _ = match self.sizes.get(s) {
                Some((v, Some(param))) => write!(out, "`{s}` is {v} from `{}`", self.name(*param)),
                Some((v, None)) => write!(out, "`{s}` is {v}"),
                None => write!(out, "`{s}` is not known"),
            };
        }
        out
    }

    fn name(&self, param: usize) -> Box<str> {
        self.function.params[param].name.as_str().into()
    }
}

/// The value of a dim, which in a constraint may be negative.
fn signed(dim: &Dim, value: &dyn Fn(&Symbol) -> Option<usize>) -> Option<i64> {
    let bound = dim.substitute(&|s| {
        let value = value(s).and_then(|v| i64::try_from(v).ok());
        value.map(Dim::constant)
    });
    bound.ok()?.as_constant()
}

fn list(extents: &[usize]) -> Box<str> {
    let words: Vec<String> = extents.iter().map(usize::to_string).collect();
    words.join(", ").into()
}
