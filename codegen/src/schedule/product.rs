//! Makes contractions: which dims are batch, m and n, and which operand is on which side.

use super::eval::{Eval, Expr, Ref};
use super::merge::{merge_group, visit_code};
use super::nest::{Stored, access, by_stride, code, depends};
use super::operand::Operand;
use crate::kernel::{self, Code, Contract, Reg, Store};
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

/// Makes the kernel over a space whose dims are tagged; the operands' expressions are over that space
/// and the contracted dim behind it.
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
    let wanted: Vec<Ref> = stores.iter().map(|s| s.value).collect();
    let (mut epilogue, regs) = straight(&eval.exprs, &wanted, &order);
    epilogue.stores = stores
        .iter()
        .zip(regs)
        .map(|(s, value)| Store {
            access: access(s.buffer, &s.at, &[], &order),
            value,
        })
        .collect();
    // The contracted dim is the last one.
    let along: Vec<usize> = order.iter().copied().chain([tags.len()]).collect();
    let [mut left, mut right] = operands.map(|o| {
        let (code, values) = straight(&o.exprs, &[o.value], &along);
        kernel::Operand {
            code,
            value: values[0],
        }
    });
    let group = |tag: Tag| -> Vec<usize> {
        let dims = order.iter().filter(|d| tags[**d] == tag);
        dims.map(|d| eval.space[*d]).collect()
    };
    let (mut batch, mut m, mut n) = (group(Tag::Batch), group(Tag::Left), group(Tag::Right));
    let mut visit = |f: &mut dyn FnMut(&mut Vec<i64>)| {
        for code in [&mut left.code, &mut right.code, &mut epilogue] {
            visit_code(code, f);
        }
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
    // Stores that are dense along m rather than n: the transposed product.
    let stride = |d: Option<usize>| d.map_or(i64::MAX, |d| dense[d].abs());
    if stride(i) < stride(j) {
        std::mem::swap(&mut i, &mut j);
        std::mem::swap(&mut left, &mut right);
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
    let k_dim = Some(extents.len());
    for (code, dims) in [(&mut left.code, [i, k_dim]), (&mut right.code, [k_dim, j])] {
        visit_code(code, &mut |s| *s = over(s, dims.map(|d| last(s, d))));
    }
    visit_code(&mut epilogue, &mut |s| {
        *s = over(s, [last(s, i), last(s, j)]);
    });
    Contract {
        batch: others.iter().map(|d| extents[*d]).collect(),
        m: i.map_or(1, |d| extents[d]),
        n: j.map_or(1, |d| extents[d]),
        k,
        dtype,
        lhs: left,
        rhs: right,
        epilogue,
    }
}

/// The code of some expressions and their registers, what does not move first.
fn straight(exprs: &[Expr], wanted: &[Ref], order: &[usize]) -> (Code, Vec<Reg>) {
    let moves = depends(exprs, &|_| true, true);
    let (code, regs) = code(exprs, wanted, order, &|_| None, &|r| !moves[r]);
    (code, wanted.iter().map(|r| regs[r]).collect())
}
