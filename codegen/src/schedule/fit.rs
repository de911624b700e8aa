//! How a value would run over the space of a kernel that it reads.

use super::affine::Affine;
use super::cluster::{Cluster, Clusters, Family};
use super::graph::Id;
use super::storage::Storage;
use crate::cost::MOST_VALUES;
use crate::decision::Obstacle;

/// How a value would run over a cluster's space.
pub(super) struct Fit {
    /// The space dim of each axis of the value (of the operand, for a reduction).
    pub axes: Vec<Option<usize>>,
    /// Dims of the space that become the row's (a map that a reduction joins).
    pub inner: Vec<bool>,
}

/// The dims of a space for which something holds.
fn dims_where(cluster: &Cluster, holds: impl Fn(usize) -> bool) -> Vec<usize> {
    (0..cluster.dims.len()).filter(|k| holds(*k)).collect()
}

impl Clusters {
    /// Ties axes of `user` to the dims of the cluster of `leaf`, which it reads at `index`. None where it
    /// reads another element than the one that the cluster computes there.
    pub(super) fn tie_axes(
        &self,
        storage: &Storage,
        leaf: Id,
        index: &[Affine],
        user: Id,
        tied: &mut [Option<usize>],
    ) -> Option<()> {
        let (base, shape) = (&storage.probes[user].base, storage.graph.run_shape(user));
        let dims = &self.at(self.owner[leaf]?).dims;
        let row = storage.graph.reduced_axes(leaf);
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
    pub(super) fn fit_into(
        &self,
        storage: &Storage,
        id: Id,
        c: usize,
        read: &[usize],
    ) -> Result<Fit, Obstacle> {
        let cluster = self.at(c);
        self.may_enter(storage, id, c, read)?;
        let shape = storage.graph.run_shape(id);
        let mut tied = vec![None; shape.len()];
        for (leaf, index) in &storage.probes[id].reads {
            if self.owner[*leaf] == Some(c) {
                if storage.cut[*leaf] {
                    return Err(Obstacle::Cut);
                }
                let index = index.as_ref().ok_or(Obstacle::OtherPlace)?;
                let there = self.tie_axes(storage, *leaf, index, id, &mut tied);
                there.ok_or(Obstacle::OtherPlace)?;
            }
        }
        // Every dim of the outer space must be the value's.
        let outer = dims_where(cluster, |k| !cluster.inner[k]);
        if outer.iter().any(|k| !tied.contains(&Some(*k))) {
            return Err(Obstacle::Space);
        }
        tie_along_row(cluster, shape, &mut tied)?;
        let row = storage.graph.reduced_axes(id);
        let inner = match row.is_empty() {
            true => self.fit_map(cluster, shape, &tied)?,
            false => self.fit_reduction(storage, cluster, row, &tied)?,
        };
        Ok(Fit { axes: tied, inner })
    }

    /// Whether a cluster can have one more value, wherever that runs.
    fn may_enter(
        &self,
        storage: &Storage,
        id: Id,
        c: usize,
        read: &[usize],
    ) -> Result<(), Obstacle> {
        let cluster = self.at(c);
        if cluster.family == Family::Opaque {
            return Err(Obstacle::Alone);
        }
        if cluster.members.len() >= MOST_VALUES {
            return Err(Obstacle::Full);
        }
        if read.iter().any(|r| *r != c && self.reaches(*r, c)) {
            return Err(Obstacle::Order);
        }
        let all = cluster.members.iter().copied().chain([id]);
        let epilogue = cluster.family == Family::Contract;
        if epilogue && storage.regions(all) > self.target.most_regions() {
            return Err(Obstacle::Regions);
        }
        Ok(())
    }

    /// The row's dims where a map joins: it runs over all of the space, or once a row.
    fn fit_map(
        &self,
        cluster: &Cluster,
        shape: &[usize],
        tied: &[Option<usize>],
    ) -> Result<Vec<bool>, Obstacle> {
        let covers = |k: usize| tied.contains(&Some(k));
        let some = (0..cluster.dims.len()).any(|k| cluster.inner[k] && covers(k));
        let all = (0..cluster.dims.len()).all(covers);
        if some && !all {
            return Err(Obstacle::PartOfRow);
        }
        if some {
            self.stores_along_row(cluster, shape, tied)?;
        } else if !all && cluster.family == Family::Contract {
            return Err(Obstacle::Space);
        }
        Ok(cluster.inner.clone())
    }

    /// The row's dims where a reduction joins: the rows that it reduces, or those that it makes of a
    /// plain map's space, whose values then lie along its rows.
    fn fit_reduction(
        &self,
        storage: &Storage,
        cluster: &Cluster,
        row: &[usize],
        tied: &[Option<usize>],
    ) -> Result<Vec<bool>, Obstacle> {
        if cluster.family == Family::Contract {
            return Err(Obstacle::EpilogueReduces);
        }
        let dims = 0..cluster.dims.len();
        if !dims.clone().all(|k| tied.contains(&Some(k))) {
            return Err(Obstacle::PartOfRow);
        }
        let on_row = |k: usize| row.iter().any(|d| tied[*d] == Some(k));
        let on_row: Vec<bool> = dims.map(on_row).collect();
        if cluster.inner.contains(&true) {
            return match on_row == cluster.inner {
                true => Ok(on_row),
                false => Err(Obstacle::OtherRows),
            };
        }
        let candidate = cluster.with_inner(&on_row);
        for m in &cluster.members {
            self.stores_along_row(&candidate, storage.graph.run_shape(*m), &self.axes[*m])?;
        }
        Ok(on_row)
    }

    /// Whether a value over the whole space is dense along the row, and there are rows enough.
    pub(super) fn stores_along_row(
        &self,
        cluster: &Cluster,
        shape: &[usize],
        axes: &[Option<usize>],
    ) -> Result<(), Obstacle> {
        let last = (0..shape.len()).rev().find(|d| shape[*d] != 1);
        let dense = last.and_then(|d| axes[d]).is_some_and(|k| cluster.inner[k]);
        let (rows, row) = cluster.rows(&cluster.inner);
        if !dense {
            return Err(Obstacle::AcrossRows);
        }
        match self.target.fills_machine(rows, row) {
            true => Ok(()),
            false => Err(Obstacle::LongRows),
        }
    }
}

/// Lets the axes that are still free run along the dims of the row that are, in order.
fn tie_along_row(
    cluster: &Cluster,
    shape: &[usize],
    tied: &mut [Option<usize>],
) -> Result<(), Obstacle> {
    let free = |d: &usize| shape[*d] != 1 && tied[*d].is_none();
    let free: Vec<usize> = (0..shape.len()).filter(free).collect();
    if free.is_empty() {
        return Ok(());
    }
    let rest = dims_where(cluster, |k| cluster.inner[k] && !tied.contains(&Some(k)));
    let extents =
        |list: &[usize], all: &[usize]| -> Vec<usize> { list.iter().map(|k| all[*k]).collect() };
    if extents(&rest, &cluster.dims) != extents(&free, shape) {
        return Err(Obstacle::Space);
    }
    for (d, k) in free.into_iter().zip(rest) {
        tied[d] = Some(k);
    }
    Ok(())
}
