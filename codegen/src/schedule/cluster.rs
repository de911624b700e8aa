//! Groups kernel values into kernels.
//!
//! In program order, each value joins the kernel of something it reads when both can run over one
//! space: as an epilogue of a contraction, as a further stage or store of a nest over the same rows,
//! as a further store of a map. Whatever else it reads over the same rows is merged in. A kernel
//! never joins another when a third must run between them.

use super::affine::Affine;
use super::graph::{Def, Id};
use super::storage::Storage;
use crate::cost::{MOST_VALUES, Target};
use std::collections::BTreeSet;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Family {
    /// Maps and row reductions.
    Nest,
    Contract,
    /// One value by kernels of its own: scatters, scans, sorts, concatenations, spreads.
    Alone,
}

/// A kernel in the making.
pub(crate) struct Cluster {
    pub family: Family,
    /// Its values, in program order.
    pub members: Vec<Id>,
    /// Extents of the space's dims, none of them 1.
    pub dims: Vec<usize>,
    /// Which dims are the row's.
    pub inner: Vec<bool>,
    /// The clusters whose values it reads.
    pub deps: BTreeSet<usize>,
}

pub(crate) struct Clusters {
    target: Target,
    pub list: Vec<Option<Cluster>>,
    /// The cluster of each kernel value.
    pub owner: Vec<Option<usize>>,
    /// For each member: the space dim of each of its axes (for a reduction, of its operand's axes);
    /// none for an axis of extent 1.
    pub axes: Vec<Vec<Option<usize>>>,
}

/// How a value would run over a cluster's space.
struct Fit {
    /// The space dim of each axis of the value (of the operand, for a reduction).
    axes: Vec<Option<usize>>,
    /// Dims of the space that become the row's (a map that a reduction joins).
    inner: Vec<bool>,
}

pub(crate) fn group(storage: &Storage) -> Clusters {
    let n = storage.graph.nodes.len();
    let mut clusters = Clusters {
        target: storage.target,
        list: Vec::new(),
        owner: vec![None; n],
        axes: vec![Vec::new(); n],
    };
    for id in 0..n {
        if storage.kernel[id] && storage.graph.live(id) && storage.graph.elements(id) > 0 {
            clusters.assign(storage, id);
        }
    }
    clusters.siblings(storage);
    clusters
}

/// The shape a value runs over: for a reduction its operand's.
fn run_shape(storage: &Storage, id: Id) -> &[usize] {
    let node = &storage.graph.nodes[id];
    if let Def::Reduce { x, .. } = &node.def {
        return &storage.graph.nodes[*x].shape;
    }
    &node.shape
}

/// The reduced axes of a value that is a reduction.
fn reduced(storage: &Storage, id: Id) -> &[usize] {
    if let Def::Reduce { axes, .. } = &storage.graph.nodes[id].def {
        return axes;
    }
    &[]
}

impl Clusters {
    fn at(&self, c: usize) -> &Cluster {
        self.list[c].as_ref().expect("a cluster in use is there")
    }

    fn at_mut(&mut self, c: usize) -> &mut Cluster {
        self.list[c].as_mut().expect("a cluster in use is there")
    }

    fn assign(&mut self, storage: &Storage, id: Id) {
        let probe = &storage.probes[id];
        let mut read: Vec<usize> = probe
            .reads
            .iter()
            .filter_map(|(r, _)| self.owner[*r])
            .collect();
        read.sort_unstable();
        read.dedup();
        let family = match storage.graph.nodes[id].def {
            Def::Contract { .. } => Family::Contract,
            Def::Concat { .. }
            | Def::Scatter { .. }
            | Def::Scan { .. }
            | Def::Sort { .. }
            | Def::Spread { .. } => Family::Alone,
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
            | Def::Reduce { .. }
            | Def::Gather { .. } => Family::Nest,
        };
        let mut home = None;
        if family == Family::Nest {
            // A contraction's result gains most from an epilogue, then a row in registers.
            let mut candidates = read.clone();
            candidates.sort_by_key(|c| {
                let cluster = self.at(*c);
                let rank = match cluster.family {
                    Family::Contract => 0,
                    Family::Nest if cluster.inner.contains(&true) => 1,
                    Family::Nest => 2,
                    Family::Alone => 3,
                };
                (rank, std::cmp::Reverse(*c))
            });
            home = candidates
                .into_iter()
                .find_map(|c| self.fit(storage, id, c, &read).map(|fit| (c, fit)));
        }
        let c = match home {
            Some((c, fit)) => {
                self.axes[id] = fit.axes;
                self.owner[id] = Some(c);
                let cluster = self.at_mut(c);
                cluster.inner = fit.inner;
                cluster.members.push(id);
                cluster.deps.extend(read.iter().filter(|r| **r != c));
                c
            }
            None => {
                let c = self.list.len();
                let shape = run_shape(storage, id).to_vec();
                let row = reduced(storage, id);
                let (mut dims, mut inner, mut axes) = (Vec::new(), Vec::new(), Vec::new());
                // The kept axes first.
                axes.resize(shape.len(), None);
                for of_row in [false, true] {
                    for (d, extent) in shape.iter().enumerate() {
                        if *extent != 1 && row.contains(&d) == of_row {
                            axes[d] = Some(dims.len());
                            dims.push(*extent);
                            inner.push(of_row);
                        }
                    }
                }
                self.axes[id] = axes;
                self.owner[id] = Some(c);
                self.list.push(Some(Cluster {
                    family,
                    members: vec![id],
                    dims,
                    inner,
                    deps: read.iter().copied().collect(),
                }));
                c
            }
        };
        for other in read {
            if other != c && self.list[other].is_some() {
                self.try_merge(storage, id, c, other);
            }
        }
    }

    /// Whether `from` reads, through others, what `to` computes.
    fn reaches(&self, from: usize, to: usize) -> bool {
        let mut seen = vec![false; self.list.len()];
        let mut open = vec![from];
        while let Some(c) = open.pop() {
            if c == to {
                return true;
            }
            if !std::mem::replace(&mut seen[c], true) {
                open.extend(self.at(c).deps.iter().filter(|d| !seen[**d]));
            }
        }
        false
    }

    /// Whether a third cluster would have to run between two that become one.
    fn between(&self, a: usize, b: usize) -> bool {
        let through = |from: usize, to: usize| {
            let deps = self.at(from).deps.iter();
            deps.filter(|d| **d != to).any(|d| self.reaches(*d, to))
        };
        through(a, b) || through(b, a)
    }

    /// The dims of a value that a kernel value read at `index` ties to the dims of its cluster.
    /// None: it is read at another place than its own.
    fn tie(
        &self,
        storage: &Storage,
        leaf: Id,
        index: &[Affine],
        user: Id,
        tied: &mut [Option<usize>],
    ) -> Option<()> {
        let (base, shape) = (&storage.probes[user].base, run_shape(storage, user));
        let dims = &self.at(self.owner[leaf]?).dims;
        let row = reduced(storage, leaf);
        let axes = self.axes[leaf]
            .iter()
            .enumerate()
            .filter(|(d, _)| !row.contains(d))
            .map(|(_, a)| *a);
        for (at, axis) in index.iter().zip(axes) {
            let Some(dim) = axis else { continue };
            // An axis of extent 1 has the index 0, which is no dim of the value.
            let d = base.iter().position(|b| b == at && !b.strides.is_empty())?;
            if shape[d] != dims[dim] {
                // A slice from the start: the same index, fewer of them.
                return None;
            }
            match tied[d] {
                None if !tied.contains(&Some(dim)) => tied[d] = Some(dim),
                Some(other) if other == dim => {}
                _ => return None,
            }
        }
        Some(())
    }

    /// How `id`, which reads the clusters in `read`, would run in cluster `c`.
    fn fit(&self, storage: &Storage, id: Id, c: usize, read: &[usize]) -> Option<Fit> {
        let cluster = self.at(c);
        if cluster.family == Family::Alone || cluster.members.len() >= MOST_VALUES {
            return None;
        }
        if read.iter().any(|r| *r != c && self.reaches(*r, c)) {
            return None;
        }
        let all = cluster.members.iter().copied().chain([id]);
        if cluster.family == Family::Contract
            && storage.regions(all) > storage.target.most_regions()
        {
            return None;
        }
        let probe = &storage.probes[id];
        let shape = run_shape(storage, id);
        let row = reduced(storage, id);
        let mut tied = vec![None; shape.len()];
        for (leaf, index) in &probe.reads {
            if self.owner[*leaf] == Some(c) {
                if storage.cut[*leaf] {
                    return None;
                }
                self.tie(storage, *leaf, index.as_ref()?, id, &mut tied)?;
            }
        }
        let mut inner = cluster.inner.clone();
        // Every dim of the outer space must be the value's.
        let outer = (0..cluster.dims.len()).filter(|k| !cluster.inner[*k]);
        for k in outer {
            if !tied.contains(&Some(k)) {
                return None;
            }
        }
        let free = |tied: &[Option<usize>]| {
            (0..shape.len())
                .filter(|d| shape[*d] != 1 && tied[*d].is_none())
                .collect::<Vec<_>>()
        };
        let unmatched = free(&tied);
        if !unmatched.is_empty() {
            // The rest runs along the row, in order.
            let rest: Vec<usize> = (0..cluster.dims.len())
                .filter(|k| cluster.inner[*k] && !tied.contains(&Some(*k)))
                .collect();
            let extents = |list: &[usize], shape: &[usize]| -> Vec<usize> {
                list.iter().map(|k| shape[*k]).collect()
            };
            if extents(&rest, &cluster.dims) != extents(&unmatched, shape) {
                return None;
            }
            for (d, k) in unmatched.iter().zip(rest) {
                tied[*d] = Some(k);
            }
        }
        let covers = |k: usize| tied.contains(&Some(k));
        let on_row: Vec<bool> = (0..cluster.dims.len())
            .map(|k| row.iter().any(|d| tied[*d] == Some(k)))
            .collect();
        if row.is_empty() {
            // A map: over all of the space, or one element a row.
            let some = (0..inner.len()).any(|k| inner[k] && covers(k));
            let all = (0..inner.len()).all(covers);
            if some && !(all && self.stores_along_row(cluster, shape, &tied)) {
                return None;
            }
            if !some && !all && cluster.family == Family::Contract {
                return None;
            }
        } else {
            if cluster.family == Family::Contract || !(0..inner.len()).all(covers) {
                return None;
            }
            if !cluster.inner.contains(&true) {
                // A plain map becomes the row's first stage, if the rows lie along its stores.
                let candidate = Cluster {
                    family: Family::Nest,
                    members: Vec::new(),
                    dims: cluster.dims.clone(),
                    inner: on_row.clone(),
                    deps: BTreeSet::new(),
                };
                let along = cluster.members.iter().all(|m| {
                    self.stores_along_row(&candidate, run_shape(storage, *m), &self.axes[*m])
                });
                if !along {
                    return None;
                }
                inner = on_row;
            } else if on_row != cluster.inner {
                return None;
            }
        }
        Some(Fit { axes: tied, inner })
    }

    /// Whether a value over the whole space is dense along the row, and there are rows enough.
    fn stores_along_row(&self, cluster: &Cluster, shape: &[usize], axes: &[Option<usize>]) -> bool {
        let last = (0..shape.len()).rev().find(|d| shape[*d] != 1);
        let dense = last.and_then(|d| axes[d]).is_some_and(|k| cluster.inner[k]);
        let (mut rows, mut row) = (1, 1);
        for (extent, inner) in cluster.dims.iter().zip(&cluster.inner) {
            match inner {
                true => row *= extent,
                false => rows *= extent,
            }
        }
        dense && self.target.fills_machine(rows, row)
    }

    /// Makes `other` part of `c` where `id`, a member of `c`, reads it over the same rows.
    fn try_merge(&mut self, storage: &Storage, id: Id, c: usize, other: usize) {
        let (a, b) = (self.at(c), self.at(other));
        if a.family != Family::Nest
            || b.family != Family::Nest
            || a.members.len() + b.members.len() > MOST_VALUES
            || self.between(c, other)
        {
            return;
        }
        let probe = &storage.probes[id];
        let mut tied = vec![None; run_shape(storage, id).len()];
        for (leaf, index) in &probe.reads {
            if self.owner[*leaf] == Some(other) {
                let Some(index) = index else { return };
                if self.tie(storage, *leaf, index, id, &mut tied).is_none() {
                    return;
                }
            }
        }
        // From the dims of `other`, through the value's axes, to those of `c`.
        let mut to: Vec<Option<usize>> = vec![None; b.dims.len()];
        for (d, k) in tied.iter().enumerate() {
            if let Some(k) = k {
                to[*k] = self.axes[id][d];
            }
        }
        let Some(to) = whole_map(a, b, to) else {
            return;
        };
        self.merge(storage, c, other, &to);
    }

    /// Whether what the two clusters read of each other is read at its own place once dim `k` of
    /// `other` is dim `to[k]` of `c`.
    fn agree(&self, storage: &Storage, c: usize, other: usize, to: &[usize]) -> bool {
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
                let Some(index) = index else { return false };
                if storage.cut[*leaf] {
                    return false;
                }
                let row = reduced(storage, *leaf);
                let there = axes(*leaf);
                let there = there.iter().enumerate().filter(|(d, _)| !row.contains(d));
                for (at, (_, axis)) in index.iter().zip(there) {
                    let Some(dim) = axis else { continue };
                    let d = probe.base.iter().position(|b| b == at);
                    if d.is_none_or(|d| own[d] != Some(*dim)) {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// Moves the members of `other` to `c`; its dim `k` is `to[k]` there.
    fn merge(&mut self, storage: &Storage, c: usize, other: usize, to: &[usize]) {
        let cluster = self.at(c);
        let along = self.at(other).members.iter().all(|m| {
            let axes: Vec<Option<usize>> = self.axes[*m].iter().map(|k| k.map(|k| to[k])).collect();
            let touches_row = axes.iter().flatten().any(|k| cluster.inner[*k]);
            let map = reduced(storage, *m).is_empty();
            !map || !touches_row || self.stores_along_row(cluster, run_shape(storage, *m), &axes)
        });
        if !along || !self.agree(storage, c, other, to) {
            return;
        }
        let Some(gone) = self.list[other].take() else {
            return;
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
    }

    /// Merges nests over equal spaces that read a common value: the second reads it from registers.
    fn siblings(&mut self, storage: &Storage) {
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
                    && !self.between(a, b)
                {
                    let same: Vec<usize> = (0..self.at(a).dims.len()).collect();
                    self.merge(storage, a, b, &same);
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
