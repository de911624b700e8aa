//! Matrix products: axes get labels, and a pair of operands becomes one contraction. Einsum is made of these
//! too.

use super::{broadcast_to, is_one, shape_of};
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::OpError;
use crate::ops::DotAxes;
use crate::shape::{Axis, Shape};

/// What an axis is called while operands are put together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Label {
    /// The leading sequence.
    Sequence,
    /// The `n`th batch axis from the right (those of `...` in einsum).
    Batch(usize),
    /// A letter of an einsum.
    Letter(char),
    /// Rows of a matrix product.
    Rows,
    /// The inner axis of a matrix product.
    Inner,
    /// Columns of a matrix product.
    Columns,
}

/// A value whose axes have labels, in order; a sequence is the first.
#[derive(Clone)]
pub(super) struct Labelled {
    pub value: Value,
    pub labels: Vec<Label>,
}

impl Labelled {
    fn axis(&self, label: Label) -> Option<Axis> {
        let at = self.labels.iter().position(|l| *l == label)?;
        match label {
            Label::Sequence => Some(Axis::Sequence),
            Label::Batch(_) | Label::Letter(_) | Label::Rows | Label::Inner | Label::Columns => {
                Some(Axis::At(at - usize::from(self.has_sequence())))
            }
        }
    }

    pub fn has_sequence(&self) -> bool {
        self.labels.first() == Some(&Label::Sequence)
    }

    pub fn dim(&self, b: &Builder, label: Label) -> Option<Dim> {
        match self.axis(label)? {
            Axis::Sequence => None,
            Axis::At(a) => b.type_of(self.value).shape.dims.get(a).cloned(),
        }
    }

    /// Without the axes of the given labels, which are ones.
    fn squeezed(self, b: &mut Builder, gone: &[Label]) -> Result<Labelled, OpError> {
        let shape = shape_of(b, self.value);
        let axes: Vec<Axis> = gone.iter().filter_map(|l| self.axis(*l)).collect();
        let kept = super::rest(&shape, &axes);
        let to = shape
            .select(&kept)
            .ok_or_else(|| OpError::Sequence(shape.clone()))?;
        Ok(Labelled {
            value: b.reshape(self.value, &to)?,
            labels: self
                .labels
                .into_iter()
                .filter(|l| !gone.contains(l))
                .collect(),
        })
    }

    /// Summed over the labels that are not in `kept`.
    pub fn summed(self, b: &mut Builder, kept: &[Label]) -> Result<Labelled, OpError> {
        let gone: Vec<Label> = self
            .labels
            .iter()
            .filter(|l| !kept.contains(l))
            .copied()
            .collect();
        let axes: Vec<Axis> = gone.iter().filter_map(|l| self.axis(*l)).collect();
        Ok(Labelled {
            value: b.sum(self.value, &axes)?,
            labels: self
                .labels
                .into_iter()
                .filter(|l| kept.contains(l))
                .collect(),
        })
    }

    /// With its axes in the order of `labels`, which are all of them.
    pub fn ordered(self, b: &mut Builder, labels: &[Label]) -> Result<Labelled, OpError> {
        let axes: Vec<Axis> = labels.iter().filter_map(|l| self.axis(*l)).collect();
        Ok(Labelled {
            value: b.permute(self.value, &axes)?,
            labels: labels.to_vec(),
        })
    }

    /// Repeated along a sequence that it does not have.
    fn with_sequence_of(self, b: &mut Builder, other: &Labelled) -> Result<Labelled, OpError> {
        let sequence = shape_of(b, other.value).sequence;
        let to = Shape {
            sequence,
            dims: shape_of(b, self.value).dims,
        };
        let mut labels = vec![Label::Sequence];
        labels.extend(self.labels);
        Ok(Labelled {
            value: broadcast_to(b, self.value, &to)?,
            labels,
        })
    }
}

/// Ones give way to other dims of the same label: they are squeezed out.
pub(super) fn give_way(b: &mut Builder, operands: &mut [Labelled]) -> Result<(), OpError> {
    let all = operands.to_vec();
    for x in operands.iter_mut() {
        let gone: Vec<Label> = x
            .labels
            .iter()
            .filter(|l| {
                x.dim(b, **l).is_some_and(|d| is_one(&d))
                    && all
                        .iter()
                        .any(|y| y.dim(b, **l).is_some_and(|d| !is_one(&d)))
            })
            .copied()
            .collect();
        if !gone.is_empty() {
            *x = x.clone().squeezed(b, &gone)?;
        }
    }
    Ok(())
}

/// The product of two values, summed over the labels that are not in `kept`.
pub(super) fn contract(
    b: &mut Builder,
    x: Labelled,
    y: Labelled,
    kept: &[Label],
) -> Result<Labelled, OpError> {
    let wanted = |own: &Labelled, other: &Labelled| -> Vec<Label> {
        let mut wanted = kept.to_vec();
        wanted.extend(other.labels.iter().filter(|l| own.labels.contains(l)));
        wanted
    };
    let (keep_x, keep_y) = (wanted(&x, &y), wanted(&y, &x));
    let mut x = x.summed(b, &keep_x)?;
    let mut y = y.summed(b, &keep_y)?;
    let shared = |x: &Labelled, y: &Labelled| -> Vec<Label> {
        let of_y = |l: &&Label| y.labels.contains(l);
        x.labels.iter().filter(of_y).copied().collect()
    };
    let has_batch = shared(&x, &y).iter().any(|l| kept.contains(l));
    // A sequence leads the result: it is part of the batch where there is one, and else free in the
    // operand that comes first.
    if has_batch && x.has_sequence() && !y.has_sequence() {
        y = y.with_sequence_of(b, &x)?;
    } else if has_batch && y.has_sequence() && !x.has_sequence() {
        x = x.with_sequence_of(b, &y)?;
    } else if y.has_sequence() && !x.has_sequence() {
        std::mem::swap(&mut x, &mut y);
    }
    let (batch, inner): (Vec<Label>, Vec<Label>) = shared(&x, &y)
        .into_iter()
        .partition(|l| kept.contains(l) || (*l == Label::Sequence && has_batch));
    for l in batch.iter().chain(&inner) {
        let (left, right) = (x.dim(b, *l), y.dim(b, *l));
        if let (Some(left), Some(right)) = (left, right)
            && left != right
        {
            return Err(OpError::InnerDims {
                left: left.to_string(),
                right: right.to_string(),
            });
        }
    }
    let axes = |operand: &Labelled, labels: &[Label]| -> Vec<Axis> {
        labels.iter().filter_map(|l| operand.axis(*l)).collect()
    };
    let value = b.dot(
        x.value,
        y.value,
        &DotAxes {
            batch_x: axes(&x, &batch),
            batch_y: axes(&y, &batch),
            contract_x: axes(&x, &inner),
            contract_y: axes(&y, &inner),
        },
    )?;
    let mut labels = batch.clone();
    for own in [&x, &y] {
        let free = |l: &&Label| !batch.contains(l) && !inner.contains(l);
        labels.extend(own.labels.iter().filter(free));
    }
    Labelled { value, labels }.summed(b, kept)
}

pub(super) fn batch_labels(shape: &Shape, count: usize) -> Vec<Label> {
    let sequence = shape.sequence.iter().map(|_| Label::Sequence);
    sequence.chain((0..count).rev().map(Label::Batch)).collect()
}

/// The labels of the dims in front that operands broadcast to: a sequence, then the longest.
pub(super) fn batch_of(operands: &[Labelled]) -> Vec<Label> {
    let sequence = operands.iter().any(Labelled::has_sequence);
    let depth = |l: &Label| match l {
        Label::Batch(i) => i + 1,
        Label::Sequence | Label::Letter(_) | Label::Rows | Label::Inner | Label::Columns => 0,
    };
    let most = operands.iter().flat_map(|o| &o.labels).map(depth).max();
    let first = sequence.then_some(Label::Sequence);
    first
        .into_iter()
        .chain((0..most.unwrap_or(0)).rev().map(Label::Batch))
        .collect()
}

/// Refuses batch dims that do not broadcast, or that only a sequence's length would line up.
pub(super) fn aligned<'s>(parts: impl IntoIterator<Item = &'s Shape>) -> Result<(), OpError> {
    let mut all = Shape::scalar();
    for part in parts {
        all = super::broadcast_shapes(&all, part)?;
    }
    Ok(())
}

/// NumPy's `matmul`: the last two axes are matrices, those in front broadcast; a vector on the left is
/// a row, on the right a column, and its axis goes.
///
/// # Errors
/// A scalar; inner dims that differ; batch dims that do not broadcast; element types that differ.
pub fn matmul(b: &mut Builder, x: Value, y: Value) -> Result<Value, OpError> {
    let (sx, sy) = (shape_of(b, x), shape_of(b, y));
    for s in [&sx, &sy] {
        if s.is_empty() {
            return Err(OpError::NoAxis {
                index: -1,
                shape: s.clone(),
            });
        }
    }
    let inner = |d: &Dim, e: &Dim| OpError::InnerDims {
        left: d.to_string(),
        right: e.to_string(),
    };
    // A sequence in front of one dim may be of no dims: then it is a vector, else rows.
    let vector = |s: &Shape| s.len() == 1 && s.sequence.is_none();
    if sy.len() == 1 && sy.sequence.is_some() {
        return Err(OpError::Sequence(sy));
    }
    let (left, right) = (&sx.dims[sx.len() - 1], &sy.dims[sy.len().saturating_sub(2)]);
    if left != right {
        return Err(inner(left, right));
    }
    let flat = sx.len() == 1;
    let nx = sx.len().saturating_sub(2);
    let ny = sy.len().saturating_sub(2);
    let mut lx = batch_labels(&sx, nx);
    if !flat {
        lx.push(Label::Rows);
    }
    lx.push(Label::Inner);
    let mut ly = batch_labels(&sy, ny);
    ly.push(Label::Inner);
    if !vector(&sy) {
        ly.push(Label::Columns);
    }
    if sx.sequence.is_some() && flat && (sy.sequence.is_some() || ny > 0) {
        // The sequence's last dim would be rows, the others batch.
        return Err(OpError::Sequence(sx));
    }
    let part = |s: &Shape, n: usize| Shape {
        sequence: s.sequence.clone(),
        dims: s.dims[..n].to_vec(),
    };
    aligned(&[part(&sx, nx), part(&sy, ny)])?;
    let mut labelled = [
        Labelled {
            value: x,
            labels: lx,
        },
        Labelled {
            value: y,
            labels: ly,
        },
    ];
    give_way(b, &mut labelled)?;
    let mut out = batch_of(&labelled);
    let [x, y] = labelled;
    out.extend(
        [Label::Rows, Label::Columns]
            .into_iter()
            .filter(|l| x.labels.contains(l) || y.labels.contains(l)),
    );
    let product = contract(b, x, y, &out)?;
    Ok(product.ordered(b, &out)?.value)
}
