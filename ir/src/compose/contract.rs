//! Matrix products and einsum: axes get labels, and each pair of operands becomes one contraction.

use super::{broadcast_to, is_one, shape_of};
use crate::builder::Builder;
use crate::dim::Dim;
use crate::function::Value;
use crate::op::OpError;
use crate::ops::DotAxes;
use crate::shape::{Axis, Shape};

/// What an axis is called while operands are put together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Label {
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
struct Labelled {
    value: Value,
    labels: Vec<Label>,
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

    fn has_sequence(&self) -> bool {
        self.labels.first() == Some(&Label::Sequence)
    }

    fn dim(&self, b: &Builder, label: Label) -> Option<Dim> {
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
    fn summed(self, b: &mut Builder, kept: &[Label]) -> Result<Labelled, OpError> {
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
    fn ordered(self, b: &mut Builder, labels: &[Label]) -> Result<Labelled, OpError> {
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
fn give_way(b: &mut Builder, operands: &mut [Labelled]) -> Result<(), OpError> {
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
fn contract(
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

fn batch_labels(shape: &Shape, count: usize) -> Vec<Label> {
    let sequence = shape.sequence.iter().map(|_| Label::Sequence);
    sequence.chain((0..count).rev().map(Label::Batch)).collect()
}

/// The labels of the dims in front that operands broadcast to: a sequence, then the longest.
fn batch_of(operands: &[Labelled]) -> Vec<Label> {
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

/// Refuses batch dims that only a sequence's length would line up.
fn aligned(b: &Builder, operands: &[(Value, usize)]) -> Result<(), OpError> {
    let part = |(v, n): &(Value, usize)| Shape {
        sequence: b.type_of(*v).shape.sequence.clone(),
        dims: b.type_of(*v).shape.dims[..*n].to_vec(),
    };
    let mut all = Shape::scalar();
    for o in operands {
        all = super::broadcast_shapes(&all, &part(o))?;
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
    aligned(b, &[(x, nx), (y, ny)])?;
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

/// What is wrong with an einsum's text.
fn spec_error(what: &str) -> OpError {
    OpError::Spec(what.to_string())
}

/// The labels of one term of an einsum; `...` takes `ellipsis` labels.
fn term(text: &str, ellipsis: &[Label]) -> Result<Vec<Label>, OpError> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("...") {
            if !out.is_empty() {
                return Err(spec_error("`...` stands for leading axes only"));
            }
            out.extend_from_slice(ellipsis);
            rest = behind;
        } else if c.is_alphabetic() {
            out.push(Label::Letter(c));
            rest = &rest[c.len_utf8()..];
        } else {
            return Err(spec_error(&format!("`{c}` is no letter")));
        }
    }
    Ok(out)
}

/// `einsum("bthd,bshd->bhts", [q, k])`: letters name axes, those that are not behind `->` are summed
/// over. Operands are put together from left to right; a letter that is twice in one term takes the
/// diagonal; `...` stands for leading axes, which broadcast.
///
/// # Errors
/// A text that is not of that form, or does not fit the operands; dims of one letter that differ.
pub fn einsum(b: &mut Builder, spec: &str, operands: &[Value]) -> Result<Value, OpError> {
    let spec: String = spec.chars().filter(|c| !c.is_whitespace()).collect();
    let Some((terms, result)) = spec.split_once("->") else {
        return Err(spec_error(
            "the result is missing: write `->` and its letters",
        ));
    };
    let terms: Vec<&str> = terms.split(',').collect();
    if terms.len() != operands.len() {
        return Err(OpError::Arity {
            expected: terms.len(),
            found: operands.len(),
        });
    }
    let mut labelled = Vec::with_capacity(operands.len());
    let mut fronts = Vec::with_capacity(operands.len());
    for (text, x) in terms.iter().zip(operands) {
        let shape = shape_of(b, *x);
        let letters = term(text, &[])?.len();
        let leading = text.starts_with("...");
        let front = shape.len().checked_sub(letters);
        let fits = match (front, leading) {
            (Some(n), false) => n == 0 && shape.sequence.is_none(),
            (Some(_), true) => true,
            (None, _) => false,
        };
        let Some(front) = front.filter(|_| fits) else {
            let message = format!("`{text}` does not name the axes of ({shape})");
            return Err(OpError::Spec(message));
        };
        if leading {
            fronts.push((*x, front));
        }
        let labels = term(text, &batch_labels(&shape, front))?;
        labelled.push(diagonal(b, *x, labels)?);
    }
    aligned(b, &fronts)?;
    let ellipsis = batch_of(&labelled);
    let out = term(result, &ellipsis)?;
    for (i, l) in out.iter().enumerate() {
        if out[..i].contains(l) {
            return Err(spec_error("a letter is twice in the result"));
        }
        if !labelled.iter().any(|x| x.labels.contains(l)) {
            return Err(spec_error("a letter of the result is in no operand"));
        }
    }
    if !result.starts_with("...") && !ellipsis.is_empty() {
        return Err(spec_error("`...` is missing in the result"));
    }
    give_way(b, &mut labelled)?;
    let mut later = labelled.into_iter();
    let first = later.next().ok_or_else(|| spec_error("no operands"))?;
    let rest: Vec<Labelled> = later.collect();
    let mut product = first;
    for (i, y) in rest.iter().enumerate() {
        let mut kept = out.clone();
        kept.extend(rest[i + 1..].iter().flat_map(|z| &z.labels));
        product = contract(b, product, y.clone(), &kept)?;
    }
    let product = product.summed(b, &out)?;
    Ok(product.ordered(b, &out)?.value)
}

/// A letter that is twice in a term: the elements where both indices are equal.
fn diagonal(b: &mut Builder, x: Value, labels: Vec<Label>) -> Result<Labelled, OpError> {
    let mut labelled = Labelled {
        value: x,
        labels: labels.clone(),
    };
    let sequence = usize::from(labelled.has_sequence());
    // From the right, so that the axes to the left keep their numbers.
    for j in (0..labels.len()).rev() {
        let Some(i) = labels[..j].iter().position(|l| *l == labels[j]) else {
            continue;
        };
        let (i, j) = (i - sequence, j - sequence);
        let shape = shape_of(b, labelled.value);
        if shape.dims[i] != shape.dims[j] {
            return Err(OpError::InnerDims {
                left: shape.dims[i].to_string(),
                right: shape.dims[j].to_string(),
            });
        }
        let row = b.iota(crate::DType::I32, shape.clone(), Axis::At(i))?;
        let column = b.iota(crate::DType::I32, shape, Axis::At(j))?;
        let equal = b.eq(row, column)?;
        let zero = b.like(0.0, labelled.value)?;
        let only = b.select(equal, labelled.value, zero)?;
        labelled.value = b.sum(only, &[Axis::At(j)])?;
        labelled.labels.remove(j + sequence);
    }
    Ok(labelled)
}
