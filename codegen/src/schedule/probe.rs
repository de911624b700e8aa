//! What a kernel value reads, and at which index: found by trying to write its expression down.
//!
//! Where no expression exists, the answer is the value that must be stored first.

use super::affine::Affine;
use super::definition::Reading;
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

impl Probe {
    /// Reads at any index.
    fn without_indices(leaves: Vec<Id>) -> Probe {
        Probe {
            base: Vec::new(),
            reads: leaves.into_iter().map(|leaf| (leaf, None)).collect(),
        }
    }
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
    pub(super) fn probe_value(&mut self, id: Id) -> Result<(), MustStore> {
        self.probes[id] = match &self.graph.nodes[id].def {
            Def::Contract {
                x, y, contracted, ..
            } => {
                let mut reads = self.operand(*x, *contracted)?.reads;
                reads.extend(self.operand(*y, *contracted)?.reads);
                Probe::without_indices(reads)
            }
            Def::Opaque(opaque) => {
                let mut reads = Vec::new();
                for (operand, reading) in opaque.readings() {
                    reads.extend(self.read_by_opaque(operand, reading)?);
                }
                Probe::without_indices(reads)
            }
            def @ (Def::Source(_)
            | Def::View { .. }
            | Def::Elementwise(..)
            | Def::Gather { .. }
            | Def::Reduce { .. }) => {
                self.read_value(def.runs_over(id), id, self.graph.run_shape(id))?
            }
        };
        Ok(())
    }

    /// The leaves that kernels of an opaque value read for an operand.
    fn read_by_opaque(&self, operand: Id, reading: Reading) -> Result<Vec<Id>, MustStore> {
        if let Reading::Stored(why) = reading {
            let value = operand;
            return match self.is_leaf(operand) {
                true => Ok(vec![operand]),
                false => Err(MustStore { value, why }),
            };
        }
        let shape = &self.graph.nodes[operand].shape;
        let probe = self.read_value(operand, usize::MAX, shape)?;
        if reading == Reading::InOrder && probe.base != dims(shape).0 {
            return Err(MustStore {
                value: operand,
                why: StoreReason::Index,
            });
        }
        Ok(probe.reads.into_iter().map(|(leaf, _)| leaf).collect())
    }

    /// What the kernel of `top` reads for `target` over a space of a shape; the value to store first if
    /// that cannot be said.
    pub(super) fn read_value(
        &self,
        target: Id,
        top: Id,
        shape: &[usize],
    ) -> Result<Probe, MustStore> {
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
                Err(Need::Split { dim, inner }) => split_dim(&mut base, &mut space, dim, inner),
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
            Def::Source(_)
            | Def::View { .. }
            | Def::Reduce { .. }
            | Def::Contract { .. }
            | Def::Opaque(_) => false,
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
            let def = &self.graph.nodes[at].def;
            let next = match def {
                Def::Reduce { .. } => return true,
                // A chain leads through one operand, which nothing else reads.
                Def::Elementwise(_, operands) => operands.iter().copied().find(|x| {
                    self.graph.uses[*x] == 1 && !self.graph.nodes[*x].def.is_beside_chains()
                }),
                Def::View { .. } => def.rearranged(),
                Def::Source(_) | Def::Gather { .. } | Def::Contract { .. } | Def::Opaque(_) => None,
            };
            match next {
                Some(x) => at = x,
                None => return false,
            }
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
pub(crate) fn split_dim(base: &mut [Affine], space: &mut Vec<usize>, dim: usize, inner: usize) {
    for b in base.iter_mut() {
        *b = b.split(dim, inner);
    }
    space[dim] /= inner;
    space.insert(dim + 1, inner);
}
