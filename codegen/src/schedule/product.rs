//! Makes contractions: which dims are batch, m and n, and which operand is on which side.

use super::eval::{Eval, Expr, ExprKind, Ref};
use super::merge::{merge_group, visit_code};
use super::nest::{Stored, access, by_stride, code, depends};
use super::operand::OperandExpr;
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
/// and the contracted dims, of extents `contracted`, behind it.
pub(crate) fn contract(
    eval: &Eval,
    tags: &[Tag],
    operands: [OperandExpr; 2],
    contracted: &[usize],
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
            adds: false,
        })
        .collect();
    let depth = by_density(&operands, tags.len(), contracted.len());
    let along: Vec<usize> = order.iter().chain(&depth).copied().collect();
    let [left, right] = operands.map(|o| {
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
    let mut extents = Extents {
        batch: group(Tag::Batch),
        m: group(Tag::Left),
        n: group(Tag::Right),
        k: depth.iter().map(|d| contracted[d - tags.len()]).collect(),
    };
    let mut codes = Codes {
        left,
        right,
        epilogue,
    };
    codes.merge_dims(&mut extents);
    codes.arrange_dims(&extents, dtype)
}

/// The extents of each group of dims.
struct Extents {
    batch: Vec<usize>,
    m: Vec<usize>,
    n: Vec<usize>,
    k: Vec<usize>,
}

/// The codes of a contraction in the making, over one space: batch, m, n and, the operands', k.
struct Codes {
    left: kernel::Operand,
    right: kernel::Operand,
    epilogue: Code,
}

impl Codes {
    /// Merges dims of each group where every access allows it.
    fn merge_dims(&mut self, extents: &mut Extents) {
        let Extents { batch, m, n, k } = extents;
        let mut visit = |f: &mut dyn FnMut(&mut Vec<i64>)| {
            for code in [
                &mut self.left.code,
                &mut self.right.code,
                &mut self.epilogue,
            ] {
                visit_code(code, f);
            }
        };
        merge_group(0, batch, &mut visit);
        merge_group(batch.len(), m, &mut visit);
        merge_group(batch.len() + m.len(), n, &mut visit);
        let mut visit = |f: &mut dyn FnMut(&mut Vec<i64>)| {
            for code in [&mut self.left.code, &mut self.right.code] {
                visit_code(code, f);
            }
        };
        merge_group(batch.len() + m.len() + n.len(), k, &mut visit);
    }

    /// Gives each code the dims that it has in kernel IR. Where stores are dense along the rows rather
    /// than the columns, it is the transposed product.
    fn arrange_dims(mut self, extents: &Extents, dtype: DType) -> Contract {
        let Extents { batch, m, n, k } = extents;
        let all = [&batch[..], m, n, k].concat();
        let mut rows = dims(batch.len(), m.len());
        let mut columns = dims(batch.len() + m.len(), n.len());
        let depth = dims(batch.len() + m.len() + n.len(), k.len());
        let batch: Dims = (0..batch.len()).map(Some).collect();
        let dense = |dims: &Dims| match (dims.last(), self.epilogue.stores.first()) {
            (Some(Some(d)), Some(s)) => s.access.strides[*d].abs(),
            (Some(Some(_)), None) => 0,
            (Some(None) | None, _) => i64::MAX,
        };
        if dense(&rows) < dense(&columns) {
            std::mem::swap(&mut rows, &mut columns);
            std::mem::swap(&mut self.left, &mut self.right);
        }
        for (code, over) in [
            (&mut self.left.code, [&rows, &depth]),
            (&mut self.right.code, [&depth, &columns]),
            (&mut self.epilogue, [&rows, &columns]),
        ] {
            visit_code(code, &mut |s| {
                let dims = batch.iter().chain(over[0]).chain(over[1]);
                *s = dims.map(|d| d.map_or(0, |d| s[d])).collect();
            });
        }
        let extents_at = |dims: &Dims| dims.iter().map(|d| d.map_or(1, |d| all[d])).collect();
        Contract {
            batch: extents_at(&batch),
            m: extents_at(&rows),
            n: extents_at(&columns),
            k: extents_at(&depth),
            dtype,
            lhs: self.left,
            rhs: self.right,
            epilogue: self.epilogue,
        }
    }
}

/// Dims of a space; none stands for one of extent 1 that is not there.
type Dims = Vec<Option<usize>>;

/// `count` dims from `first` on, at least one.
fn dims(first: usize, count: usize) -> Dims {
    match count {
        0 => vec![None],
        _ => (first..first + count).map(Some).collect(),
    }
}

/// The contracted dims, which begin at `first`: those along which the operands are densest last.
fn by_density(operands: &[OperandExpr; 2], first: usize, count: usize) -> Vec<usize> {
    let stride = |operand: &OperandExpr, d: usize| {
        let strides = operand.exprs.iter().map(|expr| match &expr.kind {
            ExprKind::Load { at, .. } | ExprKind::Gather { at, .. } => at.stride(d).unsigned_abs(),
            ExprKind::Const(_) | ExprKind::Index(_) | ExprKind::Root(_) | ExprKind::Apply(..) => 0,
        });
        strides.max().unwrap_or(0)
    };
    let mut dims: Vec<usize> = (first..first + count).collect();
    dims.sort_by_key(|d| std::cmp::Reverse(operands.each_ref().map(|o| stride(o, *d))));
    dims
}

/// The code of some expressions and their registers, what does not move first.
fn straight(exprs: &[Expr], wanted: &[Ref], order: &[usize]) -> (Code, Vec<Reg>) {
    let moves = depends(exprs, &|_| true, true);
    let (code, regs) = code(exprs, wanted, order, &|_| None, &|r| !moves[r]);
    (code, wanted.iter().map(|r| regs[r]).collect())
}
