//! Which values kernels compute for each other: those that no kernel can inline, and those that are
//! better stored once.

use super::ScheduleError;
use super::definition::{Coverage, IndexMap};
use super::graph::{Def, Id};
use super::probe::{MustStore, Probe};
use super::storage::Storage;
use crate::cost::LONGEST_CHAIN;
use crate::decision::StoreReason;
use sinew_ir::Scalar;
use std::collections::BTreeSet;

impl Storage {
    pub(super) fn store_roots(&mut self) {
        for id in 0..self.graph.nodes.len() {
            if self.graph.is_live(id) && self.graph.nodes[id].def.is_root() {
                self.kernel[id] = true;
            }
        }
    }

    /// What others read of a root is the last value of the chain of elementwise ops that only leads
    /// on from it: the activation's argument with its bias, the scale out of a norm. A half is stored as
    /// one, whoever computes with it.
    pub(super) fn store_ends_of_chains(&mut self) {
        for id in 0..self.graph.nodes.len() {
            let is_accumulated = self.graph.nodes[id].def.accumulated().is_some();
            if !self.graph.is_live(id) || !is_accumulated {
                continue;
            }
            let (mut last, mut at) = (id, id);
            while self.graph.uses[at] == 1 && self.home[at].is_none() {
                let Some(user) = self.graph.users[at].first().copied() else {
                    break;
                };
                match &self.graph.nodes[user].def {
                    Def::Elementwise(..) => {
                        if self.narrow(user).is_none() {
                            last = user;
                        }
                        at = user;
                    }
                    Def::View { map, .. } => match map.coverage() {
                        Coverage::Each if *map != IndexMap::Reshape || self.same_dims(at, user) => {
                            at = user;
                        }
                        Coverage::Each
                        | Coverage::Repeated
                        | Coverage::Selected
                        | Coverage::Padded => break,
                    },
                    Def::Source(_)
                    | Def::Gather { .. }
                    | Def::Reduce { .. }
                    | Def::Contract { .. }
                    | Def::Opaque(_) => break,
                }
            }
            self.kernel[last] = true;
        }
    }

    /// Cuts chains of inlined values that would make endless code (and deep recursion here).
    pub(super) fn cut_long_chains(&mut self) {
        let mut length = vec![0usize; self.graph.nodes.len()];
        for id in 0..self.graph.nodes.len() {
            let node = &self.graph.nodes[id];
            if !self.graph.is_live(id) || node.def.is_root() || node.def.operands().is_empty() {
                continue;
            }
            let operands = node.def.operands();
            length[id] = 1 + operands.iter().map(|x| length[*x]).max().unwrap_or(0);
            // Views are not stored if what they are of can be; a chain of nothing else ends too.
            let most = match node.def {
                Def::Elementwise(..) => LONGEST_CHAIN,
                Def::Source(_)
                | Def::View { .. }
                | Def::Gather { .. }
                | Def::Reduce { .. }
                | Def::Contract { .. }
                | Def::Opaque(_) => 2 * LONGEST_CHAIN,
            };
            if length[id] > most {
                self.kernel[id] = true;
                self.cut[id] = true;
                self.decide_to_store(id, StoreReason::Chain);
                length[id] = 0;
            }
        }
    }

    /// The half that a value is the cast of: what is to be stored is that, which takes half the memory.
    pub(super) fn narrow(&self, id: Id) -> Option<Id> {
        match &self.graph.nodes[id].def {
            Def::Elementwise(Scalar::Cast, operands) => {
                let half = *operands.first()?;
                self.graph.nodes[half].dtype.is_half().then_some(half)
            }
            Def::Source(_)
            | Def::View { .. }
            | Def::Elementwise(..)
            | Def::Gather { .. }
            | Def::Reduce { .. }
            | Def::Contract { .. }
            | Def::Opaque(_) => None,
        }
    }

    /// Whether two shapes differ in extents of 1 only.
    fn same_dims(&self, a: Id, b: Id) -> bool {
        let long = |id: Id| self.graph.nodes[id].shape.iter().filter(|e| **e != 1);
        long(a).eq(long(b))
    }

    /// What is repeated and follows from a root, or is costly, is computed once, not for each copy.
    pub(super) fn store_before_broadcasts(&mut self) {
        for id in 0..self.graph.nodes.len() {
            let Def::View {
                x,
                map: IndexMap::Broadcast { .. },
            } = self.graph.nodes[id].def
            else {
                continue;
            };
            let (elements, copies) = (self.graph.elements(x), self.graph.elements(id));
            if !self.graph.is_live(id) || !self.target.is_spread_widely(elements, copies) {
                continue;
            }
            let (mut open, mut found) = (vec![x], false);
            let mut seen = BTreeSet::from([x]);
            while let Some(at) = open.pop() {
                let inlined = !self.kernel[at] || at == x;
                if let (Def::Elementwise(scalar, operands), true) =
                    (&self.graph.nodes[at].def, inlined)
                {
                    found |= self.target.is_dear(*scalar);
                    open.extend(operands.iter().filter(|o| seen.insert(**o)));
                } else {
                    found |= at != x && self.kernel[at];
                }
            }
            if found && !self.kernel[x] {
                self.kernel[x] = true;
                self.decide_to_store(x, StoreReason::Broadcast);
            }
        }
    }

    /// Makes kernel values of what turns out to be needed in memory, until every kernel value has an
    /// expression. False: start again, with a value that must be in row-major order.
    pub(super) fn materialise_until_expressible(
        &mut self,
        plain: &mut [bool],
    ) -> Result<bool, ScheduleError> {
        let n = self.graph.nodes.len();
        self.probes = vec![Probe::default(); n];
        let mut settled = false;
        while !settled {
            settled = true;
            for id in 0..n {
                // What is stored now is a leaf for all that follows, so one need is met at a time.
                while let Some(MustStore { value: need, why }) = self.must_store_first(id) {
                    settled = false;
                    // The half in place of its cast, if it is computed.
                    let half = self.narrow(need).filter(|half| !self.is_leaf(*half));
                    let need = half.unwrap_or(need);
                    if !self.kernel[need] {
                        self.decide_to_store(need, why);
                        match self.is_operand(id, need) {
                            // In the order the contraction wants, by whoever computes it.
                            true => {
                                let value = self.written_operand(need);
                                let home = self.arena(value);
                                self.place_value(value, home);
                            }
                            false => self.kernel[need] = true,
                        }
                    } else if !plain[need] && self.home[need].is_some() {
                        plain[need] = true;
                        return Ok(false);
                    } else {
                        let value = self.graph.nodes[need].value;
                        return Err(ScheduleError::NoIndex(value));
                    }
                }
            }
        }
        for id in 0..n {
            if self.kernel[id] && self.home[id].is_none() {
                self.home[id] = Some(self.arena(id));
            }
        }
        // Probes may name homes that were not there yet; indices are what is used of them.
        Ok(true)
    }

    /// Whether `operand` is what the contraction `id` reads.
    fn is_operand(&self, id: Id, operand: Id) -> bool {
        if let Def::Contract { x, y, .. } = self.graph.nodes[id].def {
            return x == operand || y == operand;
        }
        false
    }

    /// What to store for an operand that is no strided view: the operand as it was written, before
    /// its axes were put in order, if that is a view of what is computed; then the operand itself.
    fn written_operand(&self, operand: Id) -> Id {
        let mut at = operand;
        if let Def::View {
            x,
            map: IndexMap::Permute { .. },
        } = self.graph.nodes[at].def
        {
            at = x;
        }
        let view = self.graph.nodes[at].def.viewed().is_some();
        match view && at != operand && !self.is_leaf(at) {
            true => at,
            false => operand,
        }
    }

    /// A value that must be stored before the kernel of `id` can be said.
    fn must_store_first(&mut self, id: Id) -> Option<MustStore> {
        if !self.kernel[id] || !self.graph.is_live(id) || self.graph.elements(id) == 0 {
            return None;
        }
        match self.probe_value(id) {
            Err(need) => Some(need),
            Ok(()) => self.operand_of_rows(id),
        }
    }
}
