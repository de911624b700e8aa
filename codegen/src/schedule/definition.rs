//! What defines a value of the graph, by class.
//!
//! The variants of [`Def`] are the classes that fusion tells apart, as compilers of tensors have them:
//! sources, views, element by element, gathered, reductions, contractions, and what is opaque. What
//! passes ask of a definition is answered here, once for each index map and each opaque definition; they
//! match on classes, and on one definition only where they need what it alone has.

use super::affine::in_other_dims;
use super::graph::Id;
use crate::decision::StoreReason;
use sinew_ir::{Reduction, Scalar, Scan};

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Def {
    /// There without any operand.
    Source(Source),
    /// Elements of `x` at other indices, zeros around them. Never computed by itself: whoever reads it
    /// reads `x`.
    View { x: Id, map: IndexMap },
    /// A scalar instruction on the elements at the same index.
    Elementwise(Scalar, Vec<Id>),
    /// Elements of `x` whose position along an axis is computed.
    Gather { x: Id, indices: Id, axis: usize },
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
    /// Computed by kernels of its own, with which nothing is fused.
    Opaque(Opaque),
}

/// A value without operands.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Source {
    /// It lies in memory.
    Param,
    /// Every element has the f64 of these bits.
    Const(u64),
    /// The index along an axis.
    Iota(usize),
}

/// From an index of a view to the index of what is viewed.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum IndexMap {
    /// Axis `d` of the operand is axis `axes[d]` of the result; along the others elements repeat.
    Broadcast { axes: Vec<usize> },
    /// The same position in row-major order.
    Reshape,
    /// Axis `d` of the result is axis `axes[d]` of the operand.
    Permute { axes: Vec<usize> },
    /// Element `i` along `axis` is that at `start + step * i`.
    Slice { axis: usize, start: i64, step: i64 },
    /// Element `i` along `axis` is that at `offset + i + slope * r`, r being the index along `by`; always
    /// within the operand.
    Shear {
        axis: usize,
        by: usize,
        offset: i64,
        slope: i64,
    },
    /// Element `i` along `axis` is that at `i - low`; zero where there is none.
    Pad { axis: usize, low: i64 },
}

/// What kernels of its own compute.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Opaque {
    Concat {
        parts: Vec<Id>,
        axis: usize,
    },
    /// Zeros around and between: element `i` goes to `low + step * i`.
    Spread {
        x: Id,
        axis: usize,
        low: i64,
        step: i64,
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

/// Which elements of its operand a view has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Coverage {
    /// Each of them once.
    Each,
    /// Each of them, some again and again.
    Repeated,
    /// Some of them.
    Selected,
    /// Each of them, and zeros that are not the operand's.
    Padded,
}

/// How the kernels of an opaque definition read an operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Reading {
    /// Where a kernel computes the operand's elements, in whatever order it likes.
    Computed,
    /// As it is computed, one element after the other along a dim, which cannot be split.
    InOrder,
    /// From memory, for this reason.
    Stored(StoreReason),
}

impl Def {
    pub fn operands(&self) -> Vec<Id> {
        match self {
            Def::Source(_) => Vec::new(),
            Def::View { x, .. } | Def::Reduce { x, .. } => vec![*x],
            Def::Elementwise(_, operands) => operands.clone(),
            Def::Gather { x, indices, .. } => vec![*x, *indices],
            Def::Contract { x, y, .. } => vec![*x, *y],
            Def::Opaque(opaque) => opaque.readings().into_iter().map(|(x, _)| x).collect(),
        }
    }

    pub fn is_param(&self) -> bool {
        *self == Def::Source(Source::Param)
    }

    /// Whether a kernel always computes it, so that it is never inlined.
    pub fn is_root(&self) -> bool {
        match self {
            Def::Reduce { .. } | Def::Contract { .. } | Def::Opaque(_) => true,
            Def::Source(_) | Def::View { .. } | Def::Elementwise(..) | Def::Gather { .. } => false,
        }
    }

    /// Which elements of what operand a view has.
    fn view(&self) -> Option<(Id, Coverage)> {
        match self {
            Def::View { x, map } => Some((*x, map.coverage())),
            Def::Source(_)
            | Def::Elementwise(..)
            | Def::Gather { .. }
            | Def::Reduce { .. }
            | Def::Contract { .. }
            | Def::Opaque(_) => None,
        }
    }

    /// The operand of a view whose elements are all the operand's.
    pub fn viewed(&self) -> Option<Id> {
        let (x, coverage) = self.view()?;
        match coverage {
            Coverage::Each | Coverage::Repeated | Coverage::Selected => Some(x),
            Coverage::Padded => None,
        }
    }

    /// The operand of a view that has each of its elements once.
    pub fn rearranged(&self) -> Option<Id> {
        let (x, coverage) = self.view()?;
        (coverage == Coverage::Each).then_some(x)
    }

    /// Whether it gets no place for the sake of a view of it: sources are there or cost nothing, and a
    /// view that selects or pads is read out of a value that may have a place.
    pub fn gets_no_place(&self) -> bool {
        match self {
            Def::Source(_) => true,
            Def::View { map, .. } => match map.coverage() {
                Coverage::Selected | Coverage::Padded => true,
                Coverage::Each | Coverage::Repeated => false,
            },
            Def::Elementwise(..)
            | Def::Gather { .. }
            | Def::Reduce { .. }
            | Def::Contract { .. }
            | Def::Opaque(_) => false,
        }
    }

    /// Whether it stands beside a chain of values that follow from each other element by element (a bias,
    /// a scale) rather than being a link of it.
    pub fn is_beside_chains(&self) -> bool {
        match self {
            Def::Source(_) => true,
            Def::View { map, .. } => map.coverage() == Coverage::Repeated,
            Def::Elementwise(..)
            | Def::Gather { .. }
            | Def::Reduce { .. }
            | Def::Contract { .. }
            | Def::Opaque(_) => false,
        }
    }

    /// Whether its kernel writes it straight into a range of a concatenation that it is a part of; all
    /// else is copied there.
    pub fn is_written_in_place(&self) -> bool {
        match self {
            Def::Elementwise(..)
            | Def::Gather { .. }
            | Def::Reduce { .. }
            | Def::Contract { .. } => true,
            Def::Opaque(opaque) => opaque.is_written_in_place(),
            Def::Source(_) | Def::View { .. } => false,
        }
    }

    /// The value over whose elements the kernel of `id`, which this defines, runs.
    pub fn runs_over(&self, id: Id) -> Id {
        match self {
            Def::Reduce { x, .. } => *x,
            Def::Source(_)
            | Def::View { .. }
            | Def::Elementwise(..)
            | Def::Gather { .. }
            | Def::Contract { .. }
            | Def::Opaque(_) => id,
        }
    }

    /// Of a value that is accumulated in its kernel, for others there to go on from: the axes of what it
    /// runs over that are gone in the result.
    pub fn accumulated(&self) -> Option<&[usize]> {
        match self {
            Def::Reduce { axes, .. } => Some(axes),
            Def::Contract { .. } => Some(&[]),
            Def::Source(_)
            | Def::View { .. }
            | Def::Elementwise(..)
            | Def::Gather { .. }
            | Def::Opaque(_) => None,
        }
    }
}

impl IndexMap {
    pub fn coverage(&self) -> Coverage {
        match self {
            IndexMap::Reshape | IndexMap::Permute { .. } => Coverage::Each,
            IndexMap::Broadcast { .. } => Coverage::Repeated,
            IndexMap::Slice { .. } | IndexMap::Shear { .. } => Coverage::Selected,
            IndexMap::Pad { .. } => Coverage::Padded,
        }
    }

    /// The strides with which the operand, of the shape `operand`, is to be written, so that the view, of
    /// `shape`, lies with `strides`; none where it cannot be.
    pub fn operand_strides(
        &self,
        operand: &[usize],
        shape: &[usize],
        strides: &[i64],
    ) -> Option<Vec<i64>> {
        match self {
            IndexMap::Reshape => in_other_dims(shape, strides, operand),
            IndexMap::Permute { axes } => {
                let mut out = vec![0; axes.len()];
                for (stride, d) in strides.iter().zip(axes) {
                    out[*d] = *stride;
                }
                Some(out)
            }
            IndexMap::Broadcast { .. }
            | IndexMap::Slice { .. }
            | IndexMap::Shear { .. }
            | IndexMap::Pad { .. } => None,
        }
    }
}

impl Opaque {
    /// The operands, in order, and how each is read.
    pub fn readings(&self) -> Vec<(Id, Reading)> {
        let each = |list: &[Id], reading: Reading| list.iter().map(|x| (*x, reading)).collect();
        match self {
            Opaque::Concat { parts, .. } => each(parts, Reading::Computed),
            Opaque::Spread { x, .. } => vec![(*x, Reading::Computed)],
            Opaque::Scatter {
                base,
                indices,
                updates,
                ..
            } => vec![
                (*base, Reading::Computed),
                (*indices, Reading::InOrder),
                (*updates, Reading::InOrder),
            ],
            Opaque::Scan { operands, .. } => each(operands, Reading::InOrder),
            // Keys are compared again and again: they are computed once, before.
            Opaque::Sort { x, .. } => vec![(*x, Reading::Stored(StoreReason::Sorted))],
        }
    }

    /// Whether its kernels write it into a range of a concatenation: a concatenation's parts go there
    /// themselves.
    fn is_written_in_place(&self) -> bool {
        match self {
            Opaque::Concat { .. } => true,
            Opaque::Spread { .. }
            | Opaque::Scatter { .. }
            | Opaque::Scan { .. }
            | Opaque::Sort { .. } => false,
        }
    }
}
