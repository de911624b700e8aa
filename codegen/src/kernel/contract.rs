//! Contractions: sums of products over any number of dims.

use super::class::{LoopBody, Structure, in_words, volume};
use super::{Access, Code, Reg, ScalarInst, ScalarKind, Touch};
use sinew_ir::DType;

/// `accumulator[b.., i.., j..] = sum_k.. lhs[b.., i.., k..] * rhs[b.., k.., j..]`, then the epilogue on
/// each element.
///
/// A matrix product has one dim each for rows, columns and the sum. A convolution has several: its
/// operand is read through windows, and no access walks the window's dims as one with the others.
/// There is at least one dim each, of extent 1 where there would be none.
///
/// Float types only; f32 accumulates in f32, f64 in f64. A sum over nothing is 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// Extents of the batch dims.
    pub batch: Vec<usize>,
    /// Extents of the dims that are the left operand's and the result's: its rows.
    pub m: Vec<usize>,
    /// Extents of the dims that are the right operand's and the result's: its columns.
    pub n: Vec<usize>,
    /// Extents of the contracted dims.
    pub k: Vec<usize>,
    /// F32 or F64.
    pub dtype: DType,
    /// The left operand over the dims `batch.., m.., k..`.
    pub lhs: Operand,
    /// The right operand over the dims `batch.., k.., n..`.
    pub rhs: Operand,
    /// Runs for each element of the space `batch.., m.., n..`; holds the stores.
    pub epilogue: Code,
}

impl Contract {
    /// The space of the left operand's code: `batch.., m.., k..`.
    pub fn lhs_space(&self) -> Vec<usize> {
        [&self.batch[..], &self.m, &self.k].concat()
    }

    /// The space of the right operand's code: `batch.., k.., n..`.
    pub fn rhs_space(&self) -> Vec<usize> {
        [&self.batch[..], &self.k, &self.n].concat()
    }

    /// The space of the epilogue's code: `batch.., m.., n..`.
    pub fn space(&self) -> Vec<usize> {
        [&self.batch[..], &self.m, &self.n].concat()
    }

    /// Rows, columns and terms of a sum: the products of `m`, `n` and `k`.
    pub fn extents(&self) -> [usize; 3] {
        [&self.m, &self.n, &self.k].map(|dims| dims.iter().product())
    }
}

/// A side of a contraction: its elements as they lie, or computed from others where they are used
/// (a prologue).
#[derive(Clone, Debug, PartialEq)]
pub struct Operand {
    /// Computes an element; no stores, no row registers, no accumulator.
    pub code: Code,
    /// The element, of the contraction's type.
    pub value: Reg,
}

impl Operand {
    /// Elements as they lie.
    pub fn plain(access: Access, dtype: DType) -> Operand {
        let load = ScalarInst {
            kind: ScalarKind::Load(access),
            dtype,
        };
        Operand {
            code: Code {
                insts: vec![load],
                stores: Vec::new(),
            },
            value: Reg(0),
        }
    }

    /// Where the elements lie; none if they are computed or guarded.
    pub fn access(&self) -> Option<&Access> {
        let [inst] = &self.code.insts[..] else {
            return None;
        };
        match &inst.kind {
            ScalarKind::Load(access) => access.guards.is_empty().then_some(access),
            ScalarKind::Gather { .. }
            | ScalarKind::Const(_)
            | ScalarKind::Index { .. }
            | ScalarKind::Row(_)
            | ScalarKind::Element(_)
            | ScalarKind::Accumulator
            | ScalarKind::Apply(..) => None,
        }
    }
}

impl Structure for Contract {
    fn word(&self) -> &'static str {
        "contract"
    }

    fn space_in_words(&self) -> String {
        let batch = match self.batch.is_empty() {
            true => String::new(),
            false => format!("batch {} ", in_words(&self.batch)),
        };
        let [m, n, k] = [&self.m, &self.n, &self.k].map(|dims| in_words(dims));
        format!("{batch}m {m} n {n} k {k}")
    }

    fn parallel(&self) -> Option<usize> {
        self.batch.first().or(self.m.first()).copied()
    }

    fn loop_bodies(&self) -> Vec<LoopBody<'_>> {
        let body = |code, space, pointwise| LoopBody {
            code,
            space,
            stage: 0,
            pointwise,
            step: None,
        };
        vec![
            body(&self.lhs.code, self.lhs_space(), false),
            body(&self.rhs.code, self.rhs_space(), false),
            body(&self.epilogue, self.space(), true),
        ]
    }

    fn own_touches(&self) -> Vec<Touch> {
        Vec::new()
    }

    /// A product and a sum for each term.
    fn own_flops(&self) -> usize {
        // Its operands and its result are of a size that memory has; their product need not be.
        let terms = volume(&self.space()).saturating_mul(volume(&self.k));
        terms.saturating_mul(2)
    }

    fn accesses_mut(&mut self) -> Vec<&mut Access> {
        let codes = [&mut self.lhs.code, &mut self.rhs.code, &mut self.epilogue];
        codes.into_iter().flat_map(Code::accesses_mut).collect()
    }
}
