//! Makes contractions: which dims are batch, m and n, and which operand is on which side.

use super::affine::Affine;
use super::eval::{Eval, Ref};
use super::merge::{merge_group, visit_code};
use super::nest::{Stored, access, buffer_id, by_stride, code, depends, strides};
use super::probe::Strided;
use crate::kernel::{Access, Contract, Store};
use sinew_ir::DType;

/// What a dim of the result is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Tag {
    Batch,
    /// A free dim of the left operand.
    Left,
    /// A free dim of the right one.
    Right,
}

/// An operand over the result's space and, apart, along the contracted axis.
pub(crate) struct Operand {
    buffer: usize,
    at: Affine,
    k: i64,
}

impl Operand {
    /// `axes[d]` is the index of the operand's axis `d`; the last axis is the contracted one.
    pub fn new(strided: &Strided, axes: &[Affine]) -> Operand {
        let mut at = Affine::constant(strided.at.offset);
        for (d, index) in axes.iter().enumerate() {
            at.add_scaled(index, strided.at.stride(d));
        }
        Operand {
            buffer: strided.buffer,
            at,
            k: strided.at.stride(axes.len()),
        }
    }
}

/// Makes the kernel over a space whose dims are tagged.
pub(crate) fn contract(
    eval: &Eval,
    tags: &[Tag],
    operands: [Operand; 2],
    k: usize,
    dtype: DType,
    stores: &[Stored],
) -> Contract {
    // Each tag's dims together, the densest of the first store last.
    let mut order: Vec<usize> = Vec::new();
    for tag in [Tag::Batch, Tag::Left, Tag::Right] {
        let mut dims: Vec<usize> = (0..tags.len()).filter(|d| tags[*d] == tag).collect();
        if let Some(first) = stores.first() {
            by_stride(&first.at, &mut dims);
        }
        order.extend(dims);
    }
    let moves = depends(eval, &|_| true, true);
    let wanted: Vec<Ref> = stores.iter().map(|s| s.value).collect();
    let (mut epilogue, regs) = code(eval, &wanted, &order, &|_| None, &|r| !moves[r]);
    epilogue.stores = stores
        .iter()
        .map(|s| Store {
            access: access(s.buffer, &s.at, &[], &order),
            value: regs[&s.value],
        })
        .collect();
    let mut left = strides(&operands[0].at, &order);
    let mut right = strides(&operands[1].at, &order);
    let group = |tag: Tag| -> Vec<usize> {
        let dims = order.iter().filter(|d| tags[**d] == tag);
        dims.map(|d| eval.space[*d]).collect()
    };
    let (mut batch, mut m, mut n) = (group(Tag::Batch), group(Tag::Left), group(Tag::Right));
    let mut visit = |f: &mut dyn FnMut(&mut Vec<i64>)| {
        f(&mut left);
        f(&mut right);
        visit_code(&mut epilogue, f);
    };
    merge_group(0, &mut batch, &mut visit);
    merge_group(batch.len(), &mut m, &mut visit);
    merge_group(batch.len() + m.len(), &mut n, &mut visit);

    // One dim each is left for m and n; the greatest, as it is where tiles get their work from.
    let mut extents = batch.clone();
    extents.extend(&m);
    extents.extend(&n);
    let m_dims = batch.len()..batch.len() + m.len();
    let n_dims = m_dims.end..extents.len();
    let dense: Vec<i64> = match epilogue.stores.first() {
        Some(s) => s.access.strides.clone(),
        None => vec![0; extents.len()],
    };
    let pick = |dims: std::ops::Range<usize>| dims.max_by_key(|d| (extents[*d], *d));
    let (mut i, mut j) = (pick(m_dims), pick(n_dims));
    let (mut left_buffer, mut right_buffer) = (&operands[0], &operands[1]);
    // Stores that are dense along m rather than n: the transposed product.
    let stride = |d: Option<usize>| d.map_or(i64::MAX, |d| dense[d].abs());
    if stride(i) < stride(j) {
        std::mem::swap(&mut i, &mut j);
        std::mem::swap(&mut left, &mut right);
        std::mem::swap(&mut left_buffer, &mut right_buffer);
    }
    let others: Vec<usize> = (0..extents.len())
        .filter(|d| Some(*d) != i && Some(*d) != j)
        .collect();
    let last = |s: &[i64], d: Option<usize>| d.map_or(0, |d| s[d]);
    let over = |s: &[i64], tail: [i64; 2]| -> Vec<i64> {
        let mut out: Vec<i64> = others.iter().map(|d| s[*d]).collect();
        out.extend(tail);
        out
    };
    let side = |operand: &Operand, s: &[i64], tail: [i64; 2]| Access {
        buffer: buffer_id(operand.buffer),
        offset: operand.at.offset,
        strides: over(s, tail),
        guards: Vec::new(),
    };
    let lhs = side(left_buffer, &left, [last(&left, i), left_buffer.k]);
    let rhs = side(right_buffer, &right, [right_buffer.k, last(&right, j)]);
    visit_code(&mut epilogue, &mut |s| {
        *s = over(s, [last(s, i), last(s, j)]);
    });
    Contract {
        batch: others.iter().map(|d| extents[*d]).collect(),
        m: i.map_or(1, |d| extents[d]),
        n: j.map_or(1, |d| extents[d]),
        k,
        dtype,
        lhs,
        rhs,
        epilogue,
    }
}
