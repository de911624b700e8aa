//! Methods that make instructions read like formulas where rules and expansions build them.
//!
//! They add nothing to [`Builder::op`]: operands must have equal types already (see [`crate::lower`]
//! for broadcasting).

use crate::attribute::{Attribute, Attributes};
use crate::builder::Builder;
use crate::dim::Dim;
use crate::dtype::DType;
use crate::function::Value;
use crate::op::{Op, OpError};
use crate::ops;
use crate::shape::{Axis, Shape};

type Built = Result<Value, OpError>;

macro_rules! of_operands {
    ($($(#[$doc:meta])* $name:ident($($x:ident),*) = $op:ident;)*) => {
        /// Elementwise operations; each refuses operands that its op's entry refuses.
        #[allow(clippy::missing_errors_doc)]
        impl Builder {
            $($(#[$doc])* pub fn $name(&mut self, $($x: Value),*) -> Built {
                self.op(ops::$op, &[$($x),*], Vec::new())
            })*
        }
    };
}

of_operands! {
    /// `x + y`
    add(x, y) = ADD;
    /// `x - y`
    sub(x, y) = SUB;
    /// `x * y`
    mul(x, y) = MUL;
    /// `x / y`
    div(x, y) = DIV;
    /// The greater one.
    maximum(x, y) = MAXIMUM;
    /// The smaller one.
    minimum(x, y) = MINIMUM;
    /// `-x`
    neg(x) = NEG;
    /// `|x|`
    abs(x) = ABS;
    /// The square root.
    sqrt(x) = SQRT;
    /// `e^x`
    exp(x) = EXP;
    /// The natural logarithm.
    log(x) = LOG;
    /// The hyperbolic tangent.
    tanh(x) = TANH;
    /// The error function.
    erf(x) = ERF;
    /// The greatest integer not above `x`.
    floor(x) = FLOOR;
    /// -1, 0 or 1.
    sign(x) = SIGN;
    /// `x < y`
    lt(x, y) = LT;
    /// `x <= y`
    le(x, y) = LE;
    /// `x == y`
    eq(x, y) = EQ;
    /// `x != y`
    ne(x, y) = NE;
    /// `condition ? x : y`
    select(condition, x, y) = SELECT;
    /// `x * x`
    square(x) = SQUARE;
    /// The logistic function.
    sigmoid(x) = SIGMOID;
}

/// Operations with attributes; each refuses what its op's entry refuses.
#[allow(clippy::missing_errors_doc)]
impl Builder {
    /// A constant of the type of `like`.
    pub fn like(&mut self, value: f64, like: Value) -> Built {
        let t = self.type_of(like).clone();
        self.constant(value, t.dtype, t.shape)
    }

    /// An elementwise op of `x` and a constant.
    pub fn with(&mut self, op: Op, x: Value, value: f64) -> Built {
        let c = self.like(value, x)?;
        self.op(op, &[x, c], Vec::new())
    }

    /// `value * x`
    pub fn scale(&mut self, x: Value, value: f64) -> Built {
        self.with(ops::MUL, x, value)
    }

    /// The elements in another type.
    pub fn cast(&mut self, x: Value, dtype: DType) -> Built {
        self.op(ops::CAST, &[x], vec![Attribute::DType(dtype)])
    }

    /// A tensor whose every element is the value of a dim.
    pub fn extent(&mut self, dim: Dim, dtype: DType, shape: Shape) -> Built {
        match dim.as_constant() {
            // Exact: no extent in memory reaches 2^53.
            Some(n) => self.constant(n as f64, dtype, shape),
            None => self.op(
                ops::EXTENT,
                &[],
                vec![
                    Attribute::Dims(vec![dim]),
                    Attribute::DType(dtype),
                    Attribute::Shape(shape),
                ],
            ),
        }
    }

    /// The index along an axis of the result.
    pub fn iota(&mut self, dtype: DType, shape: Shape, axis: Axis) -> Built {
        self.op(
            ops::IOTA,
            &[],
            vec![
                Attribute::DType(dtype),
                Attribute::Shape(shape),
                Attribute::Axes(vec![axis]),
            ],
        )
    }

    /// `x` repeated along the axes `new` of `shape`.
    pub fn broadcast(&mut self, x: Value, shape: &Shape, new: &[Axis]) -> Built {
        if new.is_empty() && self.type_of(x).shape == *shape {
            return Ok(x);
        }
        self.op(
            ops::BROADCAST,
            &[x],
            vec![
                Attribute::Shape(shape.clone()),
                Attribute::Axes(new.to_vec()),
            ],
        )
    }

    /// The elements of `x` in row-major order as another shape.
    pub fn reshape(&mut self, x: Value, shape: &Shape) -> Built {
        if self.type_of(x).shape == *shape {
            return Ok(x);
        }
        self.op(ops::RESHAPE, &[x], vec![Attribute::Shape(shape.clone())])
    }

    /// The axes of `x` in the given order.
    pub fn permute(&mut self, x: Value, axes: &[Axis]) -> Built {
        if self.type_of(x).shape.axes() == axes {
            return Ok(x);
        }
        self.op(ops::PERMUTE, &[x], vec![Attribute::Axes(axes.to_vec())])
    }

    /// A reduction (or [`ops::MEAN`], [`ops::MIN`], [`ops::LOGSUMEXP`]) over axes, which go.
    pub fn over(&mut self, op: Op, x: Value, axes: &[Axis]) -> Built {
        self.op(op, &[x], vec![Attribute::Axes(axes.to_vec())])
    }

    /// The sum over axes; `x` itself for no axes.
    pub fn sum(&mut self, x: Value, axes: &[Axis]) -> Built {
        match axes.is_empty() {
            true => Ok(x),
            false => self.over(ops::SUM, x, axes),
        }
    }

    /// A contraction.
    pub fn dot(&mut self, x: Value, y: Value, axes: &DotAxes) -> Built {
        let axes = axes.clone();
        self.op(
            ops::DOT,
            &[x, y],
            vec![
                Attribute::Axes(axes.batch_x),
                Attribute::Axes(axes.batch_y),
                Attribute::Axes(axes.contract_x),
                Attribute::Axes(axes.contract_y),
            ],
        )
    }
}

/// The axes of a contraction; the result has the batch, then what is free of x, then of y.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DotAxes {
    /// Axes of x that go with those of `batch_y`, and stay.
    pub batch_x: Vec<Axis>,
    /// Their partners in y.
    pub batch_y: Vec<Axis>,
    /// Axes of x that are summed over with those of `contract_y`.
    pub contract_x: Vec<Axis>,
    /// Their partners in y.
    pub contract_y: Vec<Axis>,
}

impl DotAxes {
    /// Those of a contraction's attributes.
    pub fn of(attributes: &Attributes) -> Self {
        DotAxes {
            batch_x: attributes.axes(0).to_vec(),
            batch_y: attributes.axes(1).to_vec(),
            contract_x: attributes.axes(2).to_vec(),
            contract_y: attributes.axes(3).to_vec(),
        }
    }
}
