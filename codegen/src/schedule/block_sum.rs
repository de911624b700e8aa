//! Sums over rows, in the pass of the kernel that goes through the rows.
//!
//! The gradient of a bias or of a norm's scale sums over rows what another kernel computes row by row.
//! As a kernel of its own it would read and compute all of that again, across the rows. Instead the rows
//! are cut into blocks, their kernel adds up those of each block, and a small kernel adds up the blocks.
//! How many blocks there are follows from the extents alone, so that results do not depend on threads.

use super::affine::{Affine, linear};
use super::cluster::{Cluster, Clusters, Family};
use super::definition::Def;
use super::eval::{Eval, ExprKind};
use super::graph::Id;
use super::nest::{self, NestSource, Reduced, Stored};
use super::probe::{dims, split_dim};
use super::storage::{OpenBuffer, Storage};
use crate::cost::{Home, MOST_VALUES};
use crate::decision::{Choice, Decision};
use crate::kernel::Nest;
use sinew_ir::{DType, Reduction};

/// The sums that a cluster adds up in blocks of its rows.
pub(crate) struct BlockSums {
    /// The dim of the cluster's space that is cut into blocks.
    dim: usize,
    /// Rows of a block.
    steps: usize,
    pub values: Vec<BlockSum>,
}

/// A sum over rows.
#[derive(Clone, Copy)]
pub(crate) struct BlockSum {
    /// The reduction.
    pub id: Id,
    /// The buffer of the blocks' sums: one row of the sum's elements for each block.
    pub buffer: usize,
}

/// How the sums of a cluster would run in the pass of another.
struct Passing {
    /// The other cluster.
    rows: usize,
    /// The dim there of each dim.
    to: Vec<usize>,
    /// Which dims there are the row's.
    inner: Vec<bool>,
    dim: usize,
    steps: usize,
    /// What it saves, in additions.
    saved: usize,
}

/// Lets kernels that go through rows add up what others would sum over these.
pub(super) fn add_in_blocks(storage: &mut Storage, clusters: &mut Clusters) {
    for c in 0..clusters.list.len() {
        let Some(sums) = sums_over_rows(storage, clusters, c) else {
            continue;
        };
        let others = (0..clusters.list.len()).filter(|other| *other != c);
        let ways = others.filter_map(|rows| clusters.passing(storage, c, &sums, rows));
        if let Some(best) = ways.max_by_key(|way| (way.saved, std::cmp::Reverse(way.rows))) {
            clusters.pass(storage, c, &sums, &best);
        }
    }
}

/// The sums of a cluster, if it has some and the rest is made of their results.
fn sums_over_rows(storage: &Storage, clusters: &Clusters, c: usize) -> Option<Vec<Id>> {
    let cluster = clusters.list[c].as_ref()?;
    if cluster.family != Family::Nest || cluster.sums.is_some() {
        return None;
    }
    let mut sums = Vec::new();
    for id in &cluster.members {
        let node = &storage.graph.nodes[*id];
        let along_row = clusters.axes[*id]
            .iter()
            .flatten()
            .any(|k| cluster.inner[*k]);
        match &node.def {
            Def::Reduce { kind, .. } => match (kind, node.dtype) {
                (Reduction::Sum, DType::F32 | DType::F64) => sums.push(*id),
                (Reduction::Sum | Reduction::Prod | Reduction::Max | Reduction::ArgMax, _) => {
                    return None;
                }
            },
            Def::Source(_)
            | Def::View { .. }
            | Def::Elementwise(..)
            | Def::Gather { .. }
            | Def::Contract { .. }
            | Def::Opaque(_) => {
                if along_row {
                    return None;
                }
            }
        }
    }
    (!sums.is_empty()).then_some(sums)
}

impl Clusters {
    /// How the sums of cluster `c` would run in the pass of the cluster `rows`; none where they cannot, or
    /// where that saves nothing.
    fn passing(&self, storage: &Storage, c: usize, sums: &[Id], rows: usize) -> Option<Passing> {
        let (from, cluster) = (self.at(c), self.list[rows].as_ref()?);
        let values = cluster.members.len() + cluster.sums.as_ref().map_or(0, |s| s.values.len());
        if cluster.family != Family::Nest || values + sums.len() > MOST_VALUES {
            return None;
        }
        let to = self.same_axes(storage, *sums.first()?, rows, from.dims.len())?;
        // What is summed over are all dims of the rows, what is kept are those along a row.
        let mut inner = vec![false; to.len()];
        for (k, target) in to.iter().enumerate() {
            inner[*target] = !from.inner[k];
        }
        let has_rows = cluster.inner.contains(&true);
        if (has_rows && inner != cluster.inner) || !inner.contains(&false) {
            return None;
        }
        let (number, length) = cluster.rows(&inner);
        let dim = inner.iter().rposition(|inner| !inner)?;
        let steps = storage
            .target
            .rows_of_a_block(number, cluster.dims[dim], length)?;
        if self.reaches(rows, c) || self.must_run_between(rows, c) {
            return None;
        }
        // What is summed lies along the rows, and so does what they store.
        let with_rows = cluster.with_inner(&inner);
        let along = |id: Id, axes: &[Option<usize>]| {
            let shape = storage.graph.run_shape(id);
            self.stores_along_row(&with_rows, shape, axes).ok()
        };
        for id in sums {
            let axes: Vec<Option<usize>> =
                self.axes[*id].iter().map(|k| k.map(|k| to[k])).collect();
            along(*id, &axes)?;
        }
        for id in &cluster.members {
            let over_rows = storage.graph.reduced_axes(*id).is_empty();
            let touches = self.axes[*id].iter().flatten().any(|k| inner[*k]);
            if over_rows && touches {
                along(*id, &self.axes[*id])?;
            }
        }
        self.reads_agree(storage, rows, c, &to).ok()?;
        // An index that is taken apart might have to be so across the blocks.
        let all = cluster.members.iter().chain(sums);
        let whole = |id: &Id| storage.probes[*id].base == dims(storage.graph.run_shape(*id)).0;
        if !all.clone().all(whole) {
            return None;
        }
        let saved = self.saved_by_passing(storage, sums, rows, length)?;
        Some(Passing {
            rows,
            to,
            inner,
            dim,
            steps,
            saved,
        })
    }

    /// The dim of the cluster `rows` of each dim of the cluster of `sum`, as a member that runs over the
    /// same axes has them.
    fn same_axes(
        &self,
        storage: &Storage,
        sum: Id,
        rows: usize,
        count: usize,
    ) -> Option<Vec<usize>> {
        let cluster = self.at(rows);
        let shape = storage.graph.run_shape(sum);
        let covers = |m: &&Id| {
            storage.graph.run_shape(**m) == shape
                && cluster.dims.len() == count
                && self.axes[**m].iter().flatten().count() == count
        };
        let member = cluster.members.iter().find(covers)?;
        let mut to = vec![None; count];
        for (mine, theirs) in self.axes[sum].iter().zip(&self.axes[*member]) {
            if let Some(k) = mine {
                to[*k] = *theirs;
            }
        }
        to.into_iter().collect()
    }

    /// What sums save that run in the pass of the cluster `rows`, in additions: what both would read and
    /// compute, less what the sums of a block cost. None if that is nothing.
    fn saved_by_passing(
        &self,
        storage: &Storage,
        sums: &[Id],
        rows: usize,
        length: usize,
    ) -> Option<usize> {
        let (target, graph) = (storage.target, &storage.graph);
        let cluster = self.at(rows);
        let mut there = storage.needs(&cluster.members);
        there.extend(&cluster.members);
        let price = |id: &Id| {
            let each = match &graph.nodes[*id].def {
                _ if storage.is_leaf(*id) => target.load(Home::Buffer),
                Def::Elementwise(scalar, _) => target.compute(*scalar),
                Def::Gather { .. } => target.gather(),
                Def::Source(_)
                | Def::View { .. }
                | Def::Reduce { .. }
                | Def::Contract { .. }
                | Def::Opaque(_) => 0,
            };
            each.saturating_mul(graph.elements(*id))
        };
        let shared: usize = storage.needs(sums).intersection(&there).map(price).sum();
        let before = cluster.sums.as_ref().map_or(0, |s| s.values.len());
        let size = |id: &Id| graph.nodes[*id].dtype.size().unwrap_or(8);
        let widest = sums.iter().map(size).max().unwrap_or(8);
        let home = target.row_home((before + sums.len()) * length * widest)?;
        let each = (target.load(home) + target.store(home)) * sums.len();
        let volume: usize = cluster.dims.iter().product();
        shared
            .checked_sub(each.saturating_mul(volume))
            .filter(|saved| *saved > 0)
    }

    /// Lets the sums of a cluster run in the pass of another. What is made of them stays where it is.
    fn pass(&mut self, storage: &mut Storage, c: usize, sums: &[Id], way: &Passing) {
        let Some(from) = self.list[c].take() else {
            return;
        };
        let rows: usize = way.rows;
        let blocks = self.at(rows).rows(&way.inner).0 / way.steps;
        let with = self.at(rows).members.first().copied();
        let mut values = Vec::new();
        for id in sums {
            for k in self.axes[*id].iter_mut().flatten() {
                *k = way.to[*k];
            }
            self.owner[*id] = Some(rows);
            let node = &storage.graph.nodes[*id];
            let elements = storage.graph.elements(*id);
            storage.buffers.push(OpenBuffer {
                name: format!("{} in blocks", node.value),
                site: None,
                start: 0,
                steps: Vec::new(),
                strides: vec![elements as i64, 1],
                dtype: node.dtype,
                elements: blocks.saturating_mul(elements),
            });
            values.push(BlockSum {
                id: *id,
                buffer: storage.buffers.len() - 1,
            });
            if let Some(with) = with {
                let choice = Choice::InBlocks { with, blocks };
                storage.decisions.insert(Decision { value: *id, choice });
            }
        }
        let rest: Vec<Id> = from
            .members
            .iter()
            .copied()
            .filter(|id| !sums.contains(id))
            .collect();
        for slot in self.list.iter_mut().flatten() {
            if slot.deps.contains(&c) {
                slot.deps.insert(rows);
                if rest.is_empty() {
                    slot.deps.remove(&c);
                }
            }
        }
        let cluster = self.at_mut(rows);
        cluster.inner = way.inner.clone();
        cluster
            .deps
            .extend(from.deps.iter().filter(|d| **d != rows && **d != c));
        cluster
            .sums
            .get_or_insert_with(|| BlockSums {
                dim: way.dim,
                steps: way.steps,
                values: Vec::new(),
            })
            .values
            .extend(values);
        if !rest.is_empty() {
            self.list[c] = Some(self.without_rows(&from, rest, rows));
        }
    }

    /// A cluster of what was made of sums that now run in the pass of `rows`.
    fn without_rows(&mut self, from: &Cluster, members: Vec<Id>, rows: usize) -> Cluster {
        let kept: Vec<usize> = (0..from.dims.len()).filter(|k| !from.inner[*k]).collect();
        for id in &members {
            for k in self.axes[*id].iter_mut().flatten() {
                *k = kept.iter().position(|old| old == k).unwrap_or(0);
            }
        }
        let mut deps = from.deps.clone();
        deps.insert(rows);
        Cluster {
            family: Family::Nest,
            members,
            dims: kept.iter().map(|k| from.dims[*k]).collect(),
            inner: vec![false; kept.len()],
            deps,
            sums: None,
        }
    }
}

impl BlockSums {
    /// Cuts the rows of a cluster's space into blocks; gives the dim of a block's rows.
    pub fn cut(
        &self,
        base: &mut [Affine],
        space: &mut Vec<usize>,
        origin: &mut Vec<usize>,
    ) -> usize {
        if space[self.dim] == self.steps {
            return self.dim;
        }
        split_dim(base, space, self.dim, self.steps);
        origin.insert(self.dim, origin[self.dim]);
        self.dim + 1
    }
}

/// The place of a sum among the blocks' sums: `index` is that of what is summed, `outer` the dims of the
/// space that number the blocks, with their extents.
pub(super) fn place(
    storage: &Storage,
    id: Id,
    index: &[Affine],
    outer: &[(usize, usize)],
) -> Affine {
    let graph = &storage.graph;
    let gone = graph.reduced_axes(id);
    let kept = (0..index.len()).filter(|d| !gone.contains(d));
    let (index, shape): (Vec<Affine>, Vec<usize>) = kept
        .map(|d| (index[d].clone(), graph.run_shape(id)[d]))
        .unzip();
    let (numbers, extents): (Vec<Affine>, Vec<usize>) = outer
        .iter()
        .map(|(dim, extent)| (Affine::dim(*dim), *extent))
        .unzip();
    let mut at = linear(&index, &shape);
    at.add_scaled(&linear(&numbers, &extents), graph.elements(id) as i64);
    at
}

/// The kernel that adds up the blocks of some sums of one shape.
pub(super) fn add_blocks(
    storage: &Storage,
    sums: &[BlockSum],
    scope: &dyn super::eval::Scope,
) -> Option<Nest> {
    let graph = &storage.graph;
    let shape = &graph.nodes[sums.first()?.id].shape;
    let (base, mut space) = dims(shape);
    let block = space.len();
    let elements = graph.elements(sums.first()?.id);
    space.push(storage.buffers.get(sums.first()?.buffer)?.elements / elements.max(1));
    let mut eval = Eval::new(graph, scope, &space);
    let (mut stores, mut reduced) = (Vec::new(), Vec::new());
    for sum in sums {
        let dtype = graph.nodes[sum.id].dtype;
        let mut at = linear(&base, shape);
        at.add_scaled(&Affine::dim(block), elements as i64);
        let load = ExprKind::Load {
            buffer: sum.buffer,
            at,
            guards: Vec::new(),
        };
        let value = eval.add(load, dtype);
        reduced.push(Reduced {
            id: sum.id,
            kind: Reduction::Sum,
            dtype,
            value,
        });
        let total = eval.add(ExprKind::Root(sum.id), dtype);
        for home in storage.homes(sum.id) {
            stores.push(Stored {
                buffer: home.buffer,
                at: home.element(&base),
                value: total,
                adds: false,
            });
        }
    }
    let mut inner = vec![false; block];
    inner.push(true);
    let source = NestSource {
        eval: &eval,
        inner: &inner,
        step: None,
        reduced: &reduced,
        stores: &stores,
        target: storage.target,
    };
    Some(nest::nest(&source).0)
}
