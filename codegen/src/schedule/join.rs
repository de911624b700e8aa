//! Whether two kernels become one: where a value reads both over the same rows, or where both read the
//! same.

use super::cluster::{Cluster, Clusters, Family};
use super::graph::{Def, Id};
use super::storage::Storage;
use crate::cost::MOST_VALUES;
use crate::decision::Obstacle;
use std::collections::BTreeSet;

impl Clusters {
    /// Makes `other` part of `c` where `id`, a member of `c`, reads it over the same rows.
    pub(super) fn join_by_reader(
        &mut self,
        storage: &Storage,
        id: Id,
        c: usize,
        other: usize,
    ) -> Result<(), Obstacle> {
        let (a, b) = (self.at(c), self.at(other));
        match (a.family, b.family) {
            (Family::Nest, Family::Nest) => {}
            (Family::Opaque, _) | (_, Family::Opaque) => return Err(Obstacle::Alone),
            // The contraction itself comes first in its kernel.
            (Family::Contract, _) if a.members.first() == Some(&id) => {
                return Err(Obstacle::Contracted);
            }
            (Family::Contract, _) | (_, Family::Contract) => return Err(Obstacle::Kinds),
        }
        if a.members.len() + b.members.len() > MOST_VALUES {
            return Err(Obstacle::Full);
        }
        if self.must_run_between(c, other) {
            return Err(Obstacle::Order);
        }
        let probe = &storage.probes[id];
        let mut tied = vec![None; storage.graph.run_shape(id).len()];
        for (leaf, index) in &probe.reads {
            if self.owner[*leaf] == Some(other) {
                let index = index.as_ref().ok_or(Obstacle::OtherPlace)?;
                let there = self.tie_axes(storage, *leaf, index, id, &mut tied);
                there.ok_or(Obstacle::OtherPlace)?;
            }
        }
        // From the dims of `other`, through the value's axes, to those of `c`.
        let mut to: Vec<Option<usize>> = vec![None; b.dims.len()];
        for (d, k) in tied.iter().enumerate() {
            if let Some(k) = k {
                to[*k] = self.axes[id][d];
            }
        }
        let to = whole_map(a, b, to).ok_or(Obstacle::Space)?;
        self.join_clusters(storage, c, other, &to)
    }

    /// Whether two clusters read each other's values at the index at which these are computed, if dim `k`
    /// of `other` is dim `to[k]` of `c`.
    pub(super) fn reads_agree(
        &self,
        storage: &Storage,
        c: usize,
        other: usize,
        to: &[usize],
    ) -> Result<(), Obstacle> {
        let axes = |id: Id| -> Vec<Option<usize>> {
            match self.owner[id] == Some(other) {
                true => self.axes[id].iter().map(|k| k.map(|k| to[k])).collect(),
                false => self.axes[id].clone(),
            }
        };
        let both = |id: Id| self.owner[id] == Some(c) || self.owner[id] == Some(other);
        let members = self.at(c).members.iter().chain(&self.at(other).members);
        for id in members {
            let (own, probe) = (axes(*id), &storage.probes[*id]);
            for (leaf, index) in &probe.reads {
                if !both(*leaf) || self.owner[*leaf] == self.owner[*id] {
                    continue;
                }
                let index = index.as_ref().ok_or(Obstacle::OtherPlace)?;
                if storage.cut[*leaf] {
                    return Err(Obstacle::Cut);
                }
                let row = storage.graph.reduced_axes(*leaf);
                let there = axes(*leaf);
                let there = there.iter().enumerate().filter(|(d, _)| !row.contains(d));
                for (at, (_, axis)) in index.iter().zip(there) {
                    let Some(dim) = axis else { continue };
                    let d = probe.base.iter().position(|b| b == at);
                    if d.is_none_or(|d| own[d] != Some(*dim)) {
                        return Err(Obstacle::OtherPlace);
                    }
                }
            }
        }
        Ok(())
    }

    /// Moves the members of `other` to `c`; its dim `k` is `to[k]` there.
    fn join_clusters(
        &mut self,
        storage: &Storage,
        c: usize,
        other: usize,
        to: &[usize],
    ) -> Result<(), Obstacle> {
        let cluster = self.at(c);
        for m in &self.at(other).members {
            let axes: Vec<Option<usize>> = self.axes[*m].iter().map(|k| k.map(|k| to[k])).collect();
            let touches_row = axes.iter().flatten().any(|k| cluster.inner[*k]);
            if storage.graph.reduced_axes(*m).is_empty() && touches_row {
                self.stores_along_row(cluster, storage.graph.run_shape(*m), &axes)?;
            }
        }
        self.reads_agree(storage, c, other, to)?;
        let Some(gone) = self.list[other].take() else {
            return Ok(());
        };
        for m in &gone.members {
            self.owner[*m] = Some(c);
            for k in self.axes[*m].iter_mut().flatten() {
                *k = to[*k];
            }
        }
        let cluster = self.at_mut(c);
        cluster.members.extend(gone.members);
        cluster.members.sort_unstable();
        cluster.deps.extend(gone.deps);
        cluster.deps.remove(&other);
        cluster.deps.remove(&c);
        for (i, slot) in self.list.iter_mut().enumerate() {
            if let Some(slot) = slot
                && slot.deps.remove(&other)
                && i != c
            {
                slot.deps.insert(c);
            }
        }
        Ok(())
    }

    /// Makes a map part of a nest with rows over the same space where both compute something dear: one of
    /// them would compute it again.
    pub(super) fn join_maps_to_rows(&mut self, storage: &Storage) {
        for map in 0..self.list.len() {
            for rows in 0..self.list.len() {
                let (Some(x), Some(y)) = (&self.list[rows], &self.list[map]) else {
                    continue;
                };
                let alike = x.family == Family::Nest
                    && y.family == Family::Nest
                    && x.dims == y.dims
                    && x.inner.contains(&true)
                    && !y.inner.contains(&true)
                    && x.members.len() + y.members.len() <= MOST_VALUES;
                if alike
                    && !x.deps.contains(&map)
                    && !y.deps.contains(&rows)
                    && self.run_alike(storage, rows, map)
                    && !self.must_run_between(rows, map)
                    && self.both_compute_dearly(storage, rows, map)
                {
                    let same: Vec<usize> = (0..self.at(rows).dims.len()).collect();
                    let (first, second) = (self.at(rows).members[0], self.at(map).members[0]);
                    if self.join_clusters(storage, rows, map, &same).is_ok() {
                        self.note_siblings(first, second);
                        break;
                    }
                }
            }
        }
    }

    /// Whether values of one shape have their axes along the same dims in two clusters: the rows of a square
    /// are not its columns.
    fn run_alike(&self, storage: &Storage, a: usize, b: usize) -> bool {
        let shape = |id: Id| storage.graph.run_shape(id);
        let mut pairs = self.at(a).members.iter().flat_map(|x| {
            let others = self.at(b).members.iter();
            others.map(move |y| (*x, *y))
        });
        pairs.all(|(x, y)| shape(x) != shape(y) || self.axes[x] == self.axes[y])
    }

    /// Whether two clusters compute the same value by a dear instruction.
    fn both_compute_dearly(&self, storage: &Storage, a: usize, b: usize) -> bool {
        let there = storage.needs(&self.at(a).members);
        let here = storage.needs(&self.at(b).members);
        let mut both = here.intersection(&there);
        both.any(|id| match &storage.graph.nodes[*id].def {
            Def::Elementwise(scalar, _) => !storage.is_leaf(*id) && storage.target.is_dear(*scalar),
            Def::Source(_)
            | Def::View { .. }
            | Def::Gather { .. }
            | Def::Reduce { .. }
            | Def::Contract { .. }
            | Def::Opaque(_) => false,
        })
    }

    /// Merges nests over equal spaces that read a common value: the second reads it from registers.
    pub(super) fn join_siblings(&mut self, storage: &Storage) {
        let reads: Vec<BTreeSet<Id>> = self
            .list
            .iter()
            .map(|slot| {
                let members = slot.iter().flat_map(|c| c.members.iter());
                members
                    .flat_map(|m| storage.probes[*m].reads.iter().map(|(r, _)| *r))
                    .filter(|r| storage.graph.elements(*r) > 1)
                    .collect()
            })
            .collect();
        for b in 0..self.list.len() {
            for a in 0..b {
                let (Some(x), Some(y)) = (&self.list[a], &self.list[b]) else {
                    continue;
                };
                let alike = x.family == Family::Nest
                    && y.family == Family::Nest
                    && x.dims == y.dims
                    && x.inner == y.inner
                    && x.members.len() + y.members.len() <= MOST_VALUES
                    && !reads[a].is_disjoint(&reads[b]);
                if alike
                    && !self.at(a).deps.contains(&b)
                    && !self.at(b).deps.contains(&a)
                    && self.run_alike(storage, a, b)
                    && !self.must_run_between(a, b)
                {
                    let same: Vec<usize> = (0..self.at(a).dims.len()).collect();
                    let (first, second) = (self.at(a).members[0], self.at(b).members[0]);
                    if self.join_clusters(storage, a, b, &same).is_ok() {
                        self.note_siblings(first, second);
                    }
                    break;
                }
            }
        }
    }
}

/// Completes a map of `b`'s dims to `a`'s: outer to outer, the row's dims in order.
fn whole_map(a: &Cluster, b: &Cluster, mut to: Vec<Option<usize>>) -> Option<Vec<usize>> {
    if a.dims.len() != b.dims.len() && b.inner.contains(&true) {
        return None;
    }
    let mut rest = (0..a.dims.len()).filter(|k| a.inner[*k] && !to.contains(&Some(*k)));
    let rest: Vec<usize> = rest.by_ref().collect();
    let mut rest = rest.into_iter();
    for (k, slot) in to.iter_mut().enumerate() {
        if slot.is_none() {
            if !b.inner[k] {
                return None;
            }
            *slot = rest.next();
        }
    }
    let to: Vec<usize> = to.into_iter().collect::<Option<_>>()?;
    for (k, target) in to.iter().enumerate() {
        let row_differs = b.inner.contains(&true) && a.inner[*target] != b.inner[k];
        if a.dims[*target] != b.dims[k] || row_differs {
            return None;
        }
    }
    // A map merged into a nest covers its whole space or its rows.
    let covered = |inner: bool| {
        (0..a.dims.len())
            .filter(|k| a.inner[*k] == inner)
            .all(|k| to.contains(&k))
    };
    let touches_row = to.iter().any(|k| a.inner[*k]);
    (covered(false) && (!touches_row || covered(true))).then_some(to)
}
