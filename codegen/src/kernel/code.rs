//! Scalar code: what a kernel does at one index of its space.

use super::SlotId;
use sinew_ir::{DType, Scalar};

/// Straight-line scalar code.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Code {
    /// The instructions; instruction `i` defines `Reg(i)`.
    pub insts: Vec<ScalarInst>,
    /// What is stored at the end.
    pub stores: Vec<Store>,
}

/// A register: the instruction that defines it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Reg(pub u32);

/// A row register: an index into [`Nest::rows`](super::Nest::rows).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RowReg(pub u32);

/// An index into [`Nest::arrays`](super::Nest::arrays).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ArrayId(pub u32);

/// A scalar instruction with the element type it defines.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalarInst {
    /// What it computes.
    pub kind: ScalarKind,
    /// The type of the result.
    pub dtype: DType,
}

/// What a scalar instruction computes.
#[derive(Clone, Debug, PartialEq)]
pub enum ScalarKind {
    /// The element of a slot at the current index. With guards: zero where one fails.
    Load(Access),
    /// The element at a computed index: `access` plus `clamp(index, 0, extent - 1) * stride`; zero
    /// where a guard of the access fails.
    Gather {
        /// The place for index 0.
        access: Access,
        /// An i32.
        index: Reg,
        /// The axis's extent, at least 1.
        extent: usize,
        /// Elements between neighbours.
        stride: i64,
    },
    /// A constant of the instruction's type (a bool is 0 or 1).
    Const(f64),
    /// `offset + sum(strides[d] * index[d])` over the space's dims, an i32.
    Index {
        /// Constant part.
        offset: i64,
        /// One a space dim.
        strides: Vec<i64>,
    },
    /// A row register's value.
    Row(RowReg),
    /// The element of a row array at the current index, in a stage behind the one that writes it.
    Element(ArrayId),
    /// The contraction's accumulated sum for this element (epilogues only), or the running value of a
    /// scan before it.
    Accumulator,
    /// A scalar instruction; operand types as [`Scalar`] says.
    Apply(Scalar, Vec<Reg>),
}

/// An affine place in a slot: element `offset + sum(strides[d] * index[d])`.
#[derive(Clone, Debug, PartialEq)]
pub struct Access {
    /// The slot.
    pub slot: SlotId,
    /// Elements from its start.
    pub offset: i64,
    /// One a space dim, in elements.
    pub strides: Vec<i64>,
    /// Conditions under which the element is there at all (padding); empty: always.
    pub guards: Vec<Guard>,
}

/// Holds where `0 <= value < extent`, value being `offset + sum(strides[d] * index[d])`.
#[derive(Clone, Debug, PartialEq)]
pub struct Guard {
    /// Constant part.
    pub offset: i64,
    /// One a space dim.
    pub strides: Vec<i64>,
    /// Upper end, exclusive.
    pub extent: i64,
}

/// A store of a register.
#[derive(Clone, Debug, PartialEq)]
pub struct Store {
    /// Where; injective over the space (in a row stage: stride 0 along `inner`, injective over
    /// `outer`), never guarded. Of the value's own element type.
    pub access: Access,
    /// What.
    pub value: Reg,
    /// Whether it adds the value to the sum there, which is 0 before the first row of a block
    /// ([`Nest::step`](super::Nest::step)): then its stride along the block's rows is 0.
    pub adds: bool,
}

impl Code {
    /// Every access, those of stores last.
    pub(super) fn accesses_mut(&mut self) -> Vec<&mut Access> {
        let loads = self
            .insts
            .iter_mut()
            .filter_map(|inst| match &mut inst.kind {
                ScalarKind::Load(access) | ScalarKind::Gather { access, .. } => Some(access),
                ScalarKind::Const(_)
                | ScalarKind::Index { .. }
                | ScalarKind::Row(_)
                | ScalarKind::Element(_)
                | ScalarKind::Accumulator
                | ScalarKind::Apply(..) => None,
            });
        let stores = self.stores.iter_mut().map(|store| &mut store.access);
        loads.chain(stores).collect()
    }

    /// Floating-point operations at one index, a transcendental function counted as
    /// [`TRANSCENDENTAL`](crate::cost::TRANSCENDENTAL).
    pub(crate) fn flops(&self) -> usize {
        let count = |inst: &ScalarInst| match &inst.kind {
            ScalarKind::Apply(scalar, _) => scalar.flops(),
            ScalarKind::Load(_)
            | ScalarKind::Gather { .. }
            | ScalarKind::Const(_)
            | ScalarKind::Index { .. }
            | ScalarKind::Row(_)
            | ScalarKind::Element(_)
            | ScalarKind::Accumulator => 0,
        };
        self.insts.iter().map(count).sum()
    }
}
