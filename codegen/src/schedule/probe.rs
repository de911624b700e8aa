//! What a kernel value reads, and at which index: found by trying to write its expression down.
//!
//! Where no expression exists, the answer is the value that must be stored first.

use super::affine::Affine;
use super::eval::{Eval, Home, Need, Role, Scope};
use super::graph::{Def, Id};
use super::storage::Storage;
use crate::cost::MOST_PLACES;
use crate::decision::StoreReason;

/// A value that must be stored before a kernel can be said, and why.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MustStore {
    pub value: Id,
    pub why: StoreReason,
}

/// A leaf that is read, and at which index, unless that is guarded or computed.
pub(crate) type Read = (Id, Option<Vec<Affine>>);

/// What a kernel value reads: leaves with their index over the value's own dims.
#[derive(Clone, Default)]
pub(crate) struct Probe {
    /// The value's dims (a reduction's operand's) in the refined space.
    pub base: Vec<Affine>,
    pub reads: Vec<Read>,
}

/// The scope of a single value: every other kernel value is a leaf.
pub(super) struct Closed<'a> {
    pub storage: &'a Storage,
    pub top: Id,
}

impl Scope for Closed<'_> {
    fn role(&self, id: Id) -> Role {
        match id != self.top && self.storage.is_leaf(id) {
            true => Role::Leaf,
            false => Role::Inline,
        }
    }

    fn home(&self, id: Id) -> Home {
        self.storage.home_of(id)
    }
}

impl Storage {
    /// What a kernel value reads; the value to store first if that cannot be said.
    pub(super) fn probe(&mut self, id: Id) -> Result<(), MustStore> {
        let (tops, shape): (Vec<Id>, Vec<usize>) = match &self.graph.nodes[id].def {
            Def::Reduce { x, .. } => (vec![*x], self.graph.nodes[*x].shape.clone()),
            Def::Contract {
                x, y, contracted, ..
            } => {
                let mut reads = self.operand(*x, *contracted)?.reads;
                reads.extend(self.operand(*y, *contracted)?.reads);
                self.probes[id].reads = reads.into_iter().map(|r| (r, None)).collect();
                return Ok(());
            }
            Def::Concat { parts, .. } => {
                let mut reads = Vec::new();
                for part in parts.clone() {
                    reads.extend(self.reads_of(part)?);
                }
                self.probes[id].reads = reads;
                return Ok(());
            }
            Def::Spread { x, .. } => {
                self.probes[id].reads = self.reads_of(*x)?;
                return Ok(());
            }
            Def::Scatter {
                base,
                indices,
                updates,
                ..
            } => {
                let mut reads = self.reads_of(*base)?;
                reads.extend(self.read_in_order(&[*indices, *updates])?);
                self.probes[id].reads = reads;
                return Ok(());
            }
            Def::Scan { operands, .. } => {
                let reads = self.read_in_order(operands)?;
                self.probes[id].reads = reads;
                return Ok(());
            }
            Def::Sort { x, .. } => {
                // Keys are compared again and again: they are computed once, before.
                if !self.is_leaf(*x) {
                    return Err(MustStore {
                        value: *x,
                        why: StoreReason::Sorted,
                    });
                }
                self.probes[id].reads = vec![(*x, None)];
                return Ok(());
            }
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
            | Def::Gather { .. } => (vec![id], self.graph.nodes[id].shape.clone()),
        };
        self.probes[id] = self.read(tops[0], id, &shape)?;
        Ok(())
    }

    /// The leaves of operands that are read in order along one dim, which cannot be split.
    fn read_in_order(&self, operands: &[Id]) -> Result<Vec<Read>, MustStore> {
        let mut reads = Vec::new();
        for operand in operands {
            let shape = &self.graph.nodes[*operand].shape;
            let probe = self.read(*operand, usize::MAX, shape)?;
            if probe.base != dims(shape).0 {
                return Err(MustStore {
                    value: *operand,
                    why: StoreReason::Index,
                });
            }
            reads.extend(probe.reads.into_iter().map(|(r, _)| (r, None)));
        }
        Ok(reads)
    }

    /// The leaves a value reads, itself included if it is one.
    fn reads_of(&self, id: Id) -> Result<Vec<Read>, MustStore> {
        let shape = self.graph.nodes[id].shape.clone();
        let probe = self.read(id, usize::MAX, &shape)?;
        Ok(probe.reads.into_iter().map(|(r, _)| (r, None)).collect())
    }

    pub(super) fn read(&self, target: Id, top: Id, shape: &[usize]) -> Result<Probe, MustStore> {
        let scope = Closed { storage: self, top };
        let (mut base, mut space) = dims(shape);
        loop {
            let mut eval = Eval::new(&self.graph, &scope, &space).with_most_places(MOST_PLACES);
            match eval.eval(target, &base, &[]) {
                Ok(_) => {
                    return Ok(Probe {
                        base,
                        reads: eval.reads,
                    });
                }
                Err(Need::Store(value)) => {
                    let why = StoreReason::Index;
                    return Err(MustStore { value, why });
                }
                Err(Need::Share(value)) => {
                    let why = StoreReason::Places;
                    return Err(MustStore { value, why });
                }
                Err(Need::Split { dim, inner }) => split(&mut base, &mut space, dim, inner),
            }
        }
    }

    /// The operand of a reduction that is made of row values (results of reductions) of its own size:
    /// it is stored where they are computed, instead of all of them.
    pub(super) fn operand_of_rows(&self, id: Id) -> Option<MustStore> {
        let Def::Reduce { x, .. } = &self.graph.nodes[id].def else {
            return None;
        };
        let mut top = *x;
        while let Some(x) = self.graph.nodes[top].def.viewed() {
            if self.is_leaf(top) || self.graph.elements(x) != self.graph.elements(top) {
                break;
            }
            top = x;
        }
        let inlined = match self.graph.nodes[top].def {
            Def::Elementwise(..) | Def::Gather { .. } => !self.kernel[top],
            Def::Param
            | Def::Const(_)
            | Def::Iota(_)
            | Def::Broadcast { .. }
            | Def::Reshape(_)
            | Def::Permute { .. }
            | Def::Slice { .. }
            | Def::Shear { .. }
            | Def::Pad { .. }
            | Def::Spread { .. }
            | Def::Reduce { .. }
            | Def::Contract { .. }
            | Def::Concat { .. }
            | Def::Scatter { .. }
            | Def::Scan { .. }
            | Def::Sort { .. } => false,
        };
        let size = self.graph.elements(top);
        let of_rows = self.probes[id].reads.iter().any(|(leaf, index)| {
            index.is_some() && self.graph.elements(*leaf) == size && self.is_row_value(*leaf)
        });
        (inlined && of_rows).then_some(MustStore {
            value: top,
            why: StoreReason::OfRows,
        })
    }

    /// Whether a value is a reduction or follows from one element by element.
    pub(super) fn is_row_value(&self, id: Id) -> bool {
        let mut at = id;
        loop {
            match &self.graph.nodes[at].def {
                Def::Reduce { .. } => return true,
                Def::Elementwise(_, operands) => {
                    // The chain of `sink` runs through one operand; its root is that with one use.
                    let next = operands
                        .iter()
                        .find(|x| self.graph.uses[**x] == 1 && !self.is_leaf_param(**x));
                    match next {
                        Some(x) => at = *x,
                        None => return false,
                    }
                }
                Def::Reshape(x) | Def::Permute { x, .. } => at = *x,
                Def::Param
                | Def::Const(_)
                | Def::Iota(_)
                | Def::Broadcast { .. }
                | Def::Slice { .. }
                | Def::Shear { .. }
                | Def::Pad { .. }
                | Def::Spread { .. }
                | Def::Contract { .. }
                | Def::Concat { .. }
                | Def::Gather { .. }
                | Def::Scatter { .. }
                | Def::Scan { .. }
                | Def::Sort { .. } => return false,
            }
        }
    }

    fn is_leaf_param(&self, id: Id) -> bool {
        match self.graph.nodes[id].def {
            Def::Param | Def::Const(_) | Def::Iota(_) | Def::Broadcast { .. } => true,
            Def::Elementwise(..)
            | Def::Reshape(_)
            | Def::Permute { .. }
            | Def::Slice { .. }
            | Def::Shear { .. }
            | Def::Pad { .. }
            | Def::Spread { .. }
            | Def::Reduce { .. }
            | Def::Contract { .. }
            | Def::Concat { .. }
            | Def::Gather { .. }
            | Def::Scatter { .. }
            | Def::Scan { .. }
            | Def::Sort { .. } => false,
        }
    }
}

/// The index of a value over its own dims; those of extent 1 are no dims of the space.
pub(crate) fn dims(shape: &[usize]) -> (Vec<Affine>, Vec<usize>) {
    let mut space = Vec::new();
    let base = shape
        .iter()
        .map(|e| match e {
            1 => Affine::default(),
            e => {
                space.push(*e);
                Affine::dim(space.len() - 1)
            }
        })
        .collect();
    (base, space)
}

/// Makes dim `dim` of a space two, the second of extent `inner`.
pub(crate) fn split(base: &mut [Affine], space: &mut Vec<usize>, dim: usize, inner: usize) {
    for b in base.iter_mut() {
        *b = b.split(dim, inner);
    }
    space[dim] /= inner;
    space.insert(dim + 1, inner);
}
