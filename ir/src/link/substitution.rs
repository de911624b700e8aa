//! What a function's symbols, sequence and working float stand for where it is inlined.

use super::LinkError;
use crate::attribute::{Attribute, AttributeKind, Attributes, ShapeSource};
use crate::bind::Binding;
use crate::block::OpInst;
use crate::call::{Map, Target};
use crate::dim::{Dim, DimError, Symbol};
use crate::dtype::DType;
use crate::function::{Constraint, Function};
use crate::shape::{Axis, Shape, Type};
use crate::symbol::{Condition, Number, SymbolDecl, SymbolKind, SymbolSource, SymbolTerm, Test};
use crate::unit::Unit;

/// Replaces symbols by terms, the sequence by a shape, the working float by a float.
#[derive(Clone)]
pub(super) struct Substitution<'u> {
    pub(super) unit: &'u Unit,
    float: Option<DType>,
    /// Whether the run trains, where that is known.
    training: Option<bool>,
    /// What each symbol is that the function declares.
    symbols: Vec<(Symbol, SymbolTerm)>,
    sequence: Option<Shape>,
}

impl<'u> Substitution<'u> {
    /// The binding of an entry point, with its unit's consts.
    pub(super) fn from_binding(
        unit: &'u Unit,
        function: &Function,
        binding: &Binding,
    ) -> Result<Self, LinkError> {
        let empty = Substitution {
            unit,
            float: Some(binding.float),
            training: Some(binding.training),
            symbols: Vec::new(),
            sequence: binding.sequence.as_deref().map(Shape::from_extents),
        };
        empty.complete(function, &|symbol| {
            let value = binding.values.get(symbol).copied();
            Ok(value.map(SymbolTerm::from))
        })
    }

    /// Every symbol that a caller gives stays itself. Rust consts are numbers: what callees know of the
    /// same consts is numbers too.
    pub(super) fn in_symbols(unit: &'u Unit, function: &Function) -> Result<Self, LinkError> {
        let sequence = function
            .symbols
            .iter()
            .find(|d| d.kind == SymbolKind::Sequence);
        let empty = Substitution {
            unit,
            float: None,
            training: None,
            symbols: Vec::new(),
            sequence: sequence.map(|d| Shape {
                sequence: Some(d.symbol.clone()),
                dims: Vec::new(),
            }),
        };
        empty.complete(function, &|symbol| {
            let declared = function.symbols.iter().find(|d| d.symbol == *symbol);
            let ty = declared.and_then(|d| d.kind.value_type());
            Ok(ty.map(|ty| SymbolTerm::symbol(symbol.clone(), ty)))
        })
    }

    /// Whether every symbol has a value.
    pub(super) fn is_bound(&self) -> bool {
        self.float.is_some()
    }

    /// The symbols of `function` that are open where all others are replaced, and what is to be assumed
    /// of them.
    pub(super) fn open(
        &self,
        function: &Function,
    ) -> Result<(Vec<SymbolDecl>, Vec<Constraint>), LinkError> {
        let mut symbols = function.symbols.clone();
        symbols.retain(|d| !is_const(d.kind));
        let mut constraints = Vec::new();
        for c in &function.constraints {
            if self.sides(c)?.is_none() {
                constraints.push(Constraint {
                    left: self.dim(&c.left)?,
                    relation: c.relation,
                    right: self.dim(&c.right)?,
                });
            }
        }
        Ok((symbols, constraints))
    }

    /// What a call in the function of `self` makes of its callee's symbols.
    pub(super) fn of_call<'c>(
        &self,
        target: &Target,
        callee: &'c Unit,
        function: &Function,
    ) -> Result<Substitution<'c>, LinkError> {
        let sequence = target.sequence.as_ref();
        let sequences = sequence.map(|(s, _)| (s, SymbolKind::Sequence));
        let values = target.symbols.iter().map(|(s, term)| {
            let kind = SymbolKind::Value(term.ty(), SymbolSource::Caller);
            (s, kind)
        });
        for (symbol, given) in values.chain(sequences) {
            let declared = function.symbols.iter().find(|d| d.symbol == *symbol);
            let Some(declared) = declared.filter(|d| !is_const(d.kind)) else {
                return Err(LinkError::Undeclared {
                    path: self.unit.path.to_string(),
                    callee: callee.path.to_string(),
                    symbol: symbol.to_string(),
                });
            };
            if declared.kind != given {
                return Err(symbol_type(callee, declared, given));
            }
        }
        let sequence = sequence.map(|(_, s)| self.shape(s));
        let empty = Substitution {
            unit: callee,
            float: self.float,
            training: self.training,
            symbols: Vec::new(),
            sequence: sequence.transpose()?,
        };
        empty.complete(function, &|symbol| {
            let given = target.symbols.iter().find(|(s, _)| s == symbol);
            given.map(|(_, term)| self.term(term)).transpose()
        })
    }

    /// A call of the function that is inlined with this, by another name.
    pub(super) fn target(&self, name: String, function: &Function) -> Target {
        let mut target = Target {
            name,
            symbols: Vec::new(),
            sequence: None,
            maps: Vec::new(),
        };
        for d in function.symbols.iter().filter(|d| !is_const(d.kind)) {
            match (d.kind, self.symbol(&d.symbol)) {
                (SymbolKind::Sequence, _) => {
                    let shape = self.sequence.clone();
                    target.sequence = shape.map(|shape| (d.symbol.clone(), shape));
                }
                (SymbolKind::Value(..), Some(term)) => {
                    target.symbols.push((d.symbol.clone(), term.clone()));
                }
                (SymbolKind::Value(..), None) => {}
            }
        }
        target
    }

    /// The axes that a call in the function of `self` is mapped over.
    pub(super) fn maps(&self, maps: &[Map]) -> Result<Vec<Map>, LinkError> {
        let map = |m: &Map| {
            Ok(Map {
                extent: self.extent(&m.extent)?,
                mapped: m.mapped.clone(),
            })
        };
        maps.iter().map(map).collect()
    }

    /// With a size more, of a symbol that the function as it is stored does not have.
    pub(super) fn with_size(mut self, symbol: Symbol, dim: Dim) -> Self {
        self.symbols.push((symbol, SymbolTerm::Size(dim)));
        self
    }

    /// With what each declared symbol is: given by the caller, or the unit's const.
    fn complete(
        mut self,
        function: &Function,
        given: &dyn Fn(&Symbol) -> Result<Option<SymbolTerm>, LinkError>,
    ) -> Result<Self, LinkError> {
        for d in &function.symbols {
            let term = match d.kind {
                SymbolKind::Value(_, SymbolSource::Caller) => given(&d.symbol)?,
                SymbolKind::Value(_, SymbolSource::Rustc) => constant(self.unit, &d.symbol),
                SymbolKind::Sequence if self.sequence.is_some() => continue,
                SymbolKind::Sequence => None,
            };
            let term = term.ok_or_else(|| self.unbound(&d.symbol))?;
            if d.kind.value_type() != Some(term.ty()) {
                let found = SymbolKind::Value(term.ty(), SymbolSource::Caller);
                return Err(symbol_type(self.unit, d, found));
            }
            self.symbols.push((d.symbol.clone(), term));
        }
        Ok(self)
    }

    fn unbound(&self, symbol: &Symbol) -> LinkError {
        LinkError::Unbound {
            path: self.unit.path.to_string(),
            symbol: symbol.to_string(),
        }
    }

    /// The constraints of `function` hold.
    pub(super) fn check(&self, function: &Function) -> Result<(), LinkError> {
        for c in &function.constraints {
            if let Some((left, right)) = self.sides(c)?
                && !c.relation.holds(&left, &right)
            {
                return Err(LinkError::Constraint {
                    path: self.unit.path.to_string(),
                    constraint: c.to_string(),
                    left,
                    right,
                });
            }
        }
        Ok(())
    }

    fn sides(&self, c: &Constraint) -> Result<Option<(i64, i64)>, LinkError> {
        let (left, right) = (self.dim(&c.left)?, self.dim(&c.right)?);
        Ok(left.as_constant().zip(right.as_constant()))
    }

    /// The position behind the sequence of an axis of a value that was declared as `ty`.
    pub(super) fn axis(&self, axis: usize, ty: &Type) -> usize {
        let lead = ty.shape.sequence.as_ref().and(self.sequence.as_ref());
        axis + lead.map_or(0, Shape::len)
    }

    /// What a symbol is here.
    fn symbol(&self, symbol: &Symbol) -> Option<&SymbolTerm> {
        let found = self.symbols.iter().find(|(known, _)| known == symbol);
        found.map(|(_, term)| term)
    }

    fn term(&self, term: &SymbolTerm) -> Result<SymbolTerm, LinkError> {
        Ok(match term {
            SymbolTerm::Size(dim) => SymbolTerm::Size(self.dim(dim)?),
            SymbolTerm::Float(number) => SymbolTerm::Float(self.number(number)?),
            SymbolTerm::Bool(condition) => SymbolTerm::Bool(self.condition(condition)?),
        })
    }

    fn number(&self, number: &Number) -> Result<Number, LinkError> {
        match number {
            Number::Known(_) => Ok(number.clone()),
            Number::Symbol(symbol) => match self.symbol(symbol) {
                Some(SymbolTerm::Float(number)) => Ok(number.clone()),
                Some(SymbolTerm::Size(_) | SymbolTerm::Bool(_)) | None => Err(self.unbound(symbol)),
            },
        }
    }

    /// A condition, or its answer where that is known.
    pub(super) fn condition(&self, condition: &Condition) -> Result<Condition, LinkError> {
        let mut out = match &condition.test {
            Test::Known(_) => condition.clone(),
            Test::Training => match self.training {
                Some(training) => Condition {
                    negated: condition.negated,
                    test: Test::Known(training),
                },
                None => condition.clone(),
            },
            Test::Symbol(symbol) => match self.symbol(symbol) {
                Some(SymbolTerm::Bool(given)) => Condition {
                    negated: given.negated != condition.negated,
                    test: given.test.clone(),
                },
                Some(SymbolTerm::Size(_) | SymbolTerm::Float(_)) | None => {
                    return Err(self.unbound(symbol));
                }
            },
            Test::Sizes(c) => Condition {
                negated: condition.negated,
                test: Test::Sizes(Constraint {
                    left: self.dim(&c.left)?,
                    relation: c.relation,
                    right: self.dim(&c.right)?,
                }),
            },
            Test::Numbers {
                left,
                relation,
                right,
            } => Condition {
                negated: condition.negated,
                test: Test::Numbers {
                    left: self.number(left)?,
                    relation: *relation,
                    right: self.number(right)?,
                },
            },
            Test::All(conditions) => {
                let each = conditions.iter().map(|c| self.condition(c));
                Condition {
                    negated: condition.negated,
                    test: Test::All(each.collect::<Result<_, _>>()?),
                }
            }
        };
        if let Some(answer) = out.answer() {
            out = Condition::known(answer);
        }
        Ok(out)
    }

    pub(super) fn dim(&self, dim: &Dim) -> Result<Dim, LinkError> {
        if dim.as_constant().is_some() {
            return Ok(dim.clone());
        }
        let value = |s: &Symbol| match self.symbol(s) {
            Some(SymbolTerm::Size(dim)) => Some(dim.clone()),
            Some(SymbolTerm::Float(_) | SymbolTerm::Bool(_)) | None => None,
        };
        if let Some(found) = dim.as_symbol().and_then(value) {
            return Ok(found);
        }
        dim.substitute(&value).map_err(|e| self.dim_error(e))
    }

    fn dim_error(&self, error: DimError) -> LinkError {
        LinkError::Dim {
            path: self.unit.path.to_string(),
            error,
        }
    }

    /// A dim of a shape: never negative.
    pub(super) fn extent(&self, dim: &Dim) -> Result<Dim, LinkError> {
        let out = self.dim(dim)?;
        match out.as_constant() {
            Some(value) if value < 0 => Err(self.dim_error(DimError::Negative {
                dim: dim.to_string(),
                value,
            })),
            _ => Ok(out),
        }
    }

    pub(super) fn shape(&self, shape: &Shape) -> Result<Shape, LinkError> {
        let to = shape.sequence.as_ref().and(self.sequence.as_ref());
        let lead = to.map_or(&[][..], |to| &to.dims);
        let mut dims = Vec::with_capacity(lead.len() + shape.len());
        dims.extend(lead.iter().cloned());
        for d in &shape.dims {
            dims.push(self.extent(d)?);
        }
        Ok(Shape {
            sequence: to.and_then(|to| to.sequence.clone()),
            dims,
        })
    }

    pub(super) fn of_type(&self, ty: &Type) -> Result<Type, LinkError> {
        Ok(Type::new(self.dtype(ty.dtype), self.shape(&ty.shape)?))
    }

    fn dtype(&self, dtype: DType) -> DType {
        dtype.with_float(self.float.unwrap_or(DType::Float))
    }

    /// Axes of `counted`, as axes of what it becomes.
    fn axes(&self, axes: &[Axis], counted: &Shape) -> Vec<Axis> {
        let (Some(_), Some(to)) = (&counted.sequence, &self.sequence) else {
            return axes.to_vec();
        };
        let mut out = Vec::with_capacity(axes.len() + to.len());
        for axis in axes {
            match axis {
                Axis::Sequence => {
                    out.extend(to.sequence.iter().map(|_| Axis::Sequence));
                    out.extend((0..to.len()).map(Axis::At));
                }
                Axis::At(i) => out.push(Axis::At(i + to.len())),
            }
        }
        out
    }

    /// The attributes of an instruction of `function`.
    pub(super) fn attributes(
        &self,
        function: &Function,
        inst: &OpInst,
    ) -> Result<Attributes, LinkError> {
        let mut out = Vec::with_capacity(inst.attributes.0.len());
        for (spec, a) in inst.op.attributes.iter().zip(&inst.attributes.0) {
            out.push(match a {
                Attribute::Axes(axes) => {
                    let counted = match spec.kind {
                        AttributeKind::Axes(ShapeSource::Operand(k)) => inst.operands[k],
                        AttributeKind::Axes(ShapeSource::Result)
                        | AttributeKind::Shape
                        | AttributeKind::Dims
                        | AttributeKind::DType
                        | AttributeKind::Number
                        | AttributeKind::Name => inst.result,
                    };
                    Attribute::Axes(self.axes(axes, &function.type_of(counted).shape))
                }
                Attribute::Shape(s) => Attribute::Shape(self.shape(s)?),
                Attribute::Dims(dims) => {
                    let dims: Result<_, LinkError> = dims.iter().map(|d| self.dim(d)).collect();
                    Attribute::Dims(dims?)
                }
                Attribute::DType(d) => Attribute::DType(self.dtype(*d)),
                Attribute::Number(n) => Attribute::Number(self.number(n)?),
                Attribute::Name(name) => Attribute::Name(name.clone()),
            });
        }
        Ok(Attributes(out))
    }
}

/// The value of a Rust const of a unit.
fn constant(unit: &Unit, symbol: &Symbol) -> Option<SymbolTerm> {
    let mut consts = unit.consts.iter();
    let found = consts.find(|(name, _)| *name == symbol.name());
    found.map(|(_, value)| SymbolTerm::from(*value))
}

fn is_const(kind: SymbolKind) -> bool {
    match kind {
        SymbolKind::Value(_, SymbolSource::Rustc) => true,
        SymbolKind::Value(_, SymbolSource::Caller) | SymbolKind::Sequence => false,
    }
}

fn symbol_type(unit: &Unit, declared: &SymbolDecl, found: SymbolKind) -> LinkError {
    LinkError::SymbolType {
        path: unit.path.to_string(),
        symbol: declared.symbol.to_string(),
        expected: declared.kind,
        found,
    }
}
