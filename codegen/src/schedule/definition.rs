//! What defines a value of the graph.

use super::graph::Id;
use sinew_ir::{Reduction, Scalar, Scan};

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Def {
    Param,
    /// Every element has the f64 of these bits.
    Const(u64),
    /// The index along an axis.
    Iota(usize),
    Elementwise(Scalar, Vec<Id>),
    /// Axis `d` of `x` is axis `axes[d]` of the result; along the others elements repeat.
    Broadcast {
        x: Id,
        axes: Vec<usize>,
    },
    Reshape(Id),
    /// Axis `d` of the result is axis `axes[d]` of `x`.
    Permute {
        x: Id,
        axes: Vec<usize>,
    },
    Slice {
        x: Id,
        axis: usize,
        start: i64,
        step: i64,
    },
    /// Element `i` along `axis` is that at `offset + i + slope * r`, r being the index along `by`; always
    /// within `x`.
    Shear {
        x: Id,
        axis: usize,
        by: usize,
        offset: i64,
        slope: i64,
    },
    /// Zeros around.
    Pad {
        x: Id,
        axis: usize,
        low: i64,
    },
    /// Zeros around and between: element `i` goes to `low + step * i`.
    Spread {
        x: Id,
        axis: usize,
        low: i64,
        step: i64,
    },
    /// A reduction over more than one element.
    Reduce {
        x: Id,
        axes: Vec<usize>,
        kind: Reduction,
    },
    /// `x` is batch.., m.., k.. and `y` is batch.., n.., k..: the result is batch.., m.., n...
    Contract {
        x: Id,
        y: Id,
        batch: usize,
        /// How many axes are contracted.
        contracted: usize,
    },
    Concat {
        parts: Vec<Id>,
        axis: usize,
    },
    Gather {
        x: Id,
        indices: Id,
        axis: usize,
    },
    Scatter {
        base: Id,
        indices: Id,
        updates: Id,
        axis: usize,
    },
    /// A value that runs along an axis, backwards if `reverse`.
    Scan {
        operands: Vec<Id>,
        axis: usize,
        reverse: bool,
        kind: Scan,
    },
    /// The indices that sort `x` along an axis.
    Sort {
        x: Id,
        axis: usize,
        descending: bool,
    },
}

impl Def {
    pub fn operands(&self) -> Vec<Id> {
        match self {
            Def::Param | Def::Const(_) | Def::Iota(_) => Vec::new(),
            Def::Elementwise(_, x) => x.clone(),
            Def::Broadcast { x, .. }
            | Def::Reshape(x)
            | Def::Permute { x, .. }
            | Def::Slice { x, .. }
            | Def::Shear { x, .. }
            | Def::Pad { x, .. }
            | Def::Spread { x, .. }
            | Def::Sort { x, .. }
            | Def::Reduce { x, .. } => vec![*x],
            Def::Scan { operands, .. } => operands.clone(),
            Def::Contract { x, y, .. } => vec![*x, *y],
            Def::Concat { parts, .. } => parts.clone(),
            Def::Gather { x, indices, .. } => vec![*x, *indices],
            Def::Scatter {
                base,
                indices,
                updates,
                ..
            } => vec![*base, *indices, *updates],
        }
    }

    /// The operand of an index map without zeros around.
    pub fn viewed(&self) -> Option<Id> {
        match self {
            Def::Broadcast { x, .. }
            | Def::Reshape(x)
            | Def::Permute { x, .. }
            | Def::Slice { x, .. }
            | Def::Shear { x, .. } => Some(*x),
            Def::Param
            | Def::Const(_)
            | Def::Iota(_)
            | Def::Elementwise(..)
            | Def::Pad { .. }
            | Def::Spread { .. }
            | Def::Reduce { .. }
            | Def::Contract { .. }
            | Def::Concat { .. }
            | Def::Gather { .. }
            | Def::Scatter { .. }
            | Def::Scan { .. }
            | Def::Sort { .. } => None,
        }
    }

    /// Whether it is always computed by a kernel, never inlined.
    pub fn is_root(&self) -> bool {
        match self {
            Def::Reduce { .. }
            | Def::Contract { .. }
            | Def::Concat { .. }
            | Def::Scatter { .. }
            | Def::Scan { .. }
            | Def::Sort { .. }
            | Def::Spread { .. } => true,
            Def::Param
            | Def::Const(_)
            | Def::Iota(_)
            | Def::Elementwise(..)
            | Def::Broadcast { .. }
            | Def::Reshape(_)
            | Def::Permute { .. }
            | Def::Slice { .. }
            | Def::Shear { .. }
            | Def::Pad { .. }
            | Def::Gather { .. } => false,
        }
    }
}
