//! Methods that make instructions read like formulas where rules and expansions build them.
//!
//! They add nothing to [`Builder::op`]: operands must have equal types already (see [`crate::compose`]
//! for broadcasting).

use crate::attributes::{
    Along, Broadcast, Cast, DotAxes, Extent, Iota, Over, Pad, Permute, Range, Reshape, Shear,
    Slice, Widths, Windows,
};
use crate::builder::Builder;
use crate::dim::Dim;
use crate::dtype::DType;
use crate::function::Value;
use crate::op::{Op, OpError};
use crate::ops;
use crate::shape::{Axis, Shape};
use crate::symbol::Number;

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
    /// `e^x - 1`
    expm1(x) = EXPM1;
    /// `log(1 + x)`
    log1p(x) = LOG1P;
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
    pub fn like(&mut self, value: impl Into<Number>, like: Value) -> Built {
        let t = self.type_of(like).clone();
        self.constant(value, t.dtype, t.shape)
    }

    /// An elementwise op of `x` and a constant.
    pub fn with(&mut self, op: Op, x: Value, value: impl Into<Number>) -> Built {
        let c = self.like(value, x)?;
        self.op(op, &[x, c], Vec::new())
    }

    /// `value * x`
    pub fn scale(&mut self, x: Value, value: impl Into<Number>) -> Built {
        self.with(ops::MUL, x, value)
    }

    /// The elements in another type.
    pub fn cast(&mut self, x: Value, dtype: DType) -> Built {
        self.op(ops::CAST, &[x], Cast { dtype })
    }

    /// A tensor whose every element is the value of a dim.
    pub fn extent(&mut self, dim: Dim, dtype: DType, shape: Shape) -> Built {
        match dim.as_constant() {
            // Exact: no extent in memory reaches 2^53.
            Some(n) => self.constant(n as f64, dtype, shape),
            None => {
                let (dims, shape) = (&dim, &shape);
                self.op(ops::EXTENT, &[], Extent { dims, dtype, shape })
            }
        }
    }

    /// The index along an axis of the result.
    pub fn iota(&mut self, dtype: DType, shape: Shape, axis: Axis) -> Built {
        let shape = &shape;
        self.op(ops::IOTA, &[], Iota { dtype, shape, axis })
    }

    /// `x` repeated along the axes `new` of `shape`.
    pub fn broadcast(&mut self, x: Value, shape: &Shape, new: &[Axis]) -> Built {
        if new.is_empty() && self.type_of(x).shape == *shape {
            return Ok(x);
        }
        self.op(ops::BROADCAST, &[x], Broadcast { shape, new })
    }

    /// The elements of `x` in row-major order as another shape.
    pub fn reshape(&mut self, x: Value, shape: &Shape) -> Built {
        if self.type_of(x).shape == *shape {
            return Ok(x);
        }
        self.op(ops::RESHAPE, &[x], Reshape { shape })
    }

    /// The axes of `x` in the given order.
    pub fn permute(&mut self, x: Value, axes: &[Axis]) -> Built {
        if self.type_of(x).shape.axes() == axes {
            return Ok(x);
        }
        self.op(ops::PERMUTE, &[x], Permute { axes })
    }

    /// The indices `start, start + step, ..` below `stop` of an axis.
    pub fn slice(&mut self, x: Value, axis: Axis, [start, stop, step]: [&Dim; 3]) -> Built {
        let range = Range { start, stop, step };
        self.op(ops::SLICE, &[x], Slice { axis, range })
    }

    /// Zeros around and between along an axis.
    pub fn pad(&mut self, x: Value, axis: Axis, [low, high, step]: [&Dim; 3]) -> Built {
        let widths = Widths { low, high, step };
        self.op(ops::PAD, &[x], Pad { axis, widths })
    }

    /// The opposite order along an axis.
    pub fn flip(&mut self, x: Value, axis: Axis) -> Built {
        self.along(ops::FLIP, &[x], axis)
    }

    /// Elements moved along an axis by an index along another.
    pub fn shear(&mut self, x: Value, map: Shear<'_>) -> Built {
        self.op(ops::SHEAR, &[x], map)
    }

    /// Windows along an axis, and behind it the places in a window.
    pub fn windows(&mut self, x: Value, windows: Windows<'_>) -> Built {
        self.op(ops::WINDOWS, &[x], windows)
    }

    /// An op along an axis of its first operand.
    pub fn along(&mut self, op: Op, operands: &[Value], axis: Axis) -> Built {
        self.op(op, operands, Along { axis })
    }

    /// A reduction (or [`ops::MEAN`], [`ops::MIN`], [`ops::LOGSUMEXP`]) over axes, which go.
    pub fn over(&mut self, op: Op, x: Value, axes: &[Axis]) -> Built {
        self.op(op, &[x], Over { axes })
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
        self.op(ops::DOT, &[x, y], axes.clone())
    }
}
