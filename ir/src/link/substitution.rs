//! What a function's symbols, sequence and working float stand for where it is inlined.

use super::{LinkError, needs_value};
use crate::attribute::{Attribute, AttributeKind, Attributes, ShapeSource};
use crate::bind::Binding;
use crate::block::OpInst;
use crate::call::Target;
use crate::dim::{Dim, DimError, Symbol};
use crate::dtype::DType;
use crate::function::{Constraint, Function, SymbolKind};
use crate::shape::{Axis, Shape, Type};
use crate::unit::Unit;

/// Replaces symbols by dims, the sequence by a shape, the working float by a float.
#[derive(Clone)]
pub(super) struct Substitution<'u> {
    pub(super) unit: &'u Unit,
    float: Option<DType>,
    sizes: Vec<(Symbol, Dim)>,
    sequence: Option<Shape>,
    /// Whether the consts that the function computes with keep their names. Only those of the function
    /// that is inlined into: two callees may mean different consts by one name.
    names: bool,
}

impl<'u> Substitution<'u> {
    /// The binding of an entry point, with its unit's consts.
    pub(super) fn of_binding(unit: &'u Unit, binding: &Binding) -> Self {
        let sizes = binding.sizes.iter();
        let mut sizes: Vec<_> = sizes.map(|(s, v)| (s.clone(), Dim::from(*v))).collect();
        sizes.extend(consts(unit));
        Substitution {
            unit,
            float: Some(binding.float),
            sizes,
            sequence: binding.sequence.as_deref().map(Shape::from_extents),
            names: false,
        }
    }

    /// Every symbol of an entry point stays itself.
    pub(super) fn in_symbols(unit: &'u Unit, function: &Function) -> Self {
        let mut out = Substitution {
            unit,
            float: None,
            sizes: Vec::new(),
            sequence: None,
            names: true,
        };
        for d in &function.symbols {
            match d.kind {
                SymbolKind::Size | SymbolKind::Const => {
                    out.sizes
                        .push((d.symbol.clone(), Dim::from(d.symbol.clone())));
                }
                SymbolKind::Sequence => {
                    out.sequence = Some(Shape {
                        sequence: Some(d.symbol.clone()),
                        dims: Vec::new(),
                    });
                }
            }
        }
        out
    }

    /// What a call in the function of `self` makes of its callee's symbols.
    pub(super) fn of_call<'c>(
        &self,
        target: &Target,
        callee: &'c Unit,
    ) -> Result<Substitution<'c>, LinkError> {
        let mut sizes = Vec::with_capacity(target.sizes.len() + callee.consts.len());
        for (s, d) in &target.sizes {
            sizes.push((s.clone(), self.dim(d)?));
        }
        sizes.extend(consts(callee));
        let sequence = target.sequence.as_ref().map(|(_, s)| self.shape(s));
        Ok(Substitution {
            unit: callee,
            float: self.float,
            sizes,
            sequence: sequence.transpose()?,
            names: false,
        })
    }

    /// Every symbol that `function` declares has a value, and its constraints hold.
    pub(super) fn check(&self, function: &Function) -> Result<(), LinkError> {
        for d in &function.symbols {
            let known = match needs_value(d.kind) {
                true => self.sizes.iter().any(|(s, _)| *s == d.symbol),
                false => self.sequence.is_some(),
            };
            if !known {
                return Err(LinkError::Unbound {
                    path: self.unit.path.to_string(),
                    symbol: d.symbol.to_string(),
                });
            }
        }
        for c in &function.constraints {
            if let Some((left, right)) = self.sides(c)?
                && !c.relation.holds(left, right)
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

    /// Whether a relation holds, if its sides are known.
    pub(super) fn holds(&self, c: &Constraint) -> Result<Option<bool>, LinkError> {
        let sides = self.sides(c)?;
        Ok(sides.map(|(left, right)| c.relation.holds(left, right)))
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

    pub(super) fn dim(&self, dim: &Dim) -> Result<Dim, LinkError> {
        if dim.as_constant().is_some() {
            return Ok(dim.clone());
        }
        let value = |s: &Symbol| {
            let found = self.sizes.iter().find(|(known, _)| known == s);
            found.map(|(_, d)| d.clone())
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
        match dtype {
            DType::Float => self.float.unwrap_or(dtype),
            DType::F32 | DType::F64 | DType::I32 | DType::U32 | DType::Bool => dtype,
        }
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
                        | AttributeKind::Number => inst.result,
                    };
                    Attribute::Axes(self.axes(axes, &function.type_of(counted).shape))
                }
                Attribute::Shape(s) => Attribute::Shape(self.shape(s)?),
                Attribute::Dims(dims) => {
                    let dims: Result<_, LinkError> = dims.iter().map(|d| self.dim(d)).collect();
                    Attribute::Dims(dims?)
                }
                Attribute::DType(d) => Attribute::DType(self.dtype(*d)),
                Attribute::Number(n) => Attribute::Number(*n),
                Attribute::Const(c) => self.number(c)?,
            });
        }
        Ok(Attributes(out))
    }
}

impl Substitution<'_> {
    /// The number of a const, or its name.
    fn number(&self, symbol: &Symbol) -> Result<Attribute, LinkError> {
        if self.names {
            return Ok(Attribute::Const(symbol.clone()));
        }
        let mut numbers = self.unit.numbers.iter();
        match numbers.find(|(name, _)| *name == symbol.name()) {
            Some((_, value)) => Ok(Attribute::Number(*value)),
            None => Err(LinkError::Unbound {
                path: self.unit.path.to_string(),
                symbol: symbol.to_string(),
            }),
        }
    }
}

fn consts(unit: &Unit) -> impl Iterator<Item = (Symbol, Dim)> {
    let consts = unit.consts.iter();
    consts.map(|(name, value)| (Symbol::new(name), Dim::from(*value)))
}
