//! Groups kernel values into kernels.
//!
//! In program order, each value joins the kernel of something it reads when both can run over one
//! space: as an epilogue of a contraction, as a further stage or store of a nest over the same rows,
//! as a further store of a map. Whatever else it reads over the same rows is merged in. A kernel
//! never joins another when a third must run between them. How a value runs over a kernel's space is
//! found in `fit`, whether two kernels become one in `join`.

use super::block_sum::BlockSums;
use super::fit::Fit;
use super::graph::{Def, Id};
use super::storage::Storage;
use crate::cost::Target;
use crate::decision::{Choice, Decision, Obstacle};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Family {
    /// Maps and row reductions.
    Nest,
    Contract,
    /// One value that is opaque, by kernels of its own.
    Opaque,
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
    /// What it adds up in blocks of its rows; no members.
    pub sums: Option<BlockSums>,
}

impl Cluster {
    /// The same space with other rows, of no values.
    pub(super) fn with_inner(&self, inner: &[bool]) -> Cluster {
        Cluster {
            family: self.family,
            members: Vec::new(),
            dims: self.dims.clone(),
            inner: inner.to_vec(),
            deps: BTreeSet::new(),
            sums: None,
        }
    }

    /// How many rows it has and how long they are, if `inner` are the row's dims.
    pub(super) fn rows(&self, inner: &[bool]) -> (usize, usize) {
        let (mut rows, mut row) = (1, 1);
        for (extent, inner) in self.dims.iter().zip(inner) {
            match inner {
                true => row *= extent,
                false => rows *= extent,
            }
        }
        (rows, row)
    }
}

pub(crate) struct Clusters {
    pub target: Target,
    pub list: Vec<Option<Cluster>>,
    /// The cluster of each kernel value.
    pub owner: Vec<Option<usize>>,
    /// For each member: the space dim of each of its axes (for a reduction, of its operand's axes);
    /// none for an axis of extent 1.
    pub axes: Vec<Vec<Option<usize>>>,
    /// For a value and another that it was tried to fuse with: what was in the way.
    attempts: BTreeMap<(Id, Id), Option<Obstacle>>,
}

pub(crate) fn group_values(storage: &Storage) -> Clusters {
    let n = storage.graph.nodes.len();
    let mut clusters = Clusters {
        target: storage.target,
        list: Vec::new(),
        owner: vec![None; n],
        axes: vec![Vec::new(); n],
        attempts: BTreeMap::new(),
    };
    for id in 0..n {
        if storage.kernel[id] && storage.graph.is_live(id) && storage.graph.elements(id) > 0 {
            clusters.assign_to_cluster(storage, id);
        }
    }
    clusters.join_siblings(storage);
    clusters.join_maps_to_rows(storage);
    clusters
}

/// Which kernels can compute a value.
fn family(def: &Def) -> Family {
    match def {
        Def::Contract { .. } => Family::Contract,
        Def::Opaque(_) => Family::Opaque,
        Def::Source(_)
        | Def::View { .. }
        | Def::Elementwise(..)
        | Def::Gather { .. }
        | Def::Reduce { .. } => Family::Nest,
    }
}

impl Clusters {
    pub(super) fn at(&self, c: usize) -> &Cluster {
        self.list[c].as_ref().expect("a cluster in use is there")
    }

    pub(super) fn at_mut(&mut self, c: usize) -> &mut Cluster {
        self.list[c].as_mut().expect("a cluster in use is there")
    }

    /// Puts a value into the kernel of something that it reads, or into one of its own, and merges
    /// with that whatever else it reads over the same rows.
    fn assign_to_cluster(&mut self, storage: &Storage, id: Id) {
        let mut read: Vec<usize> = storage.probes[id]
            .reads
            .iter()
            .filter_map(|(r, _)| self.owner[*r])
            .collect();
        read.sort_unstable();
        read.dedup();
        let family = family(&storage.graph.nodes[id].def);
        let mut home = None;
        if family == Family::Nest {
            for c in self.best_first(&read) {
                match self.fit_into(storage, id, c, &read) {
                    Ok(fit) => {
                        home = Some((c, fit));
                        break;
                    }
                    Err(why) => {
                        let leaves = self.read_of(storage, id, c);
                        self.note_attempt(id, &leaves, Some(why));
                    }
                }
            }
        }
        let c = match home {
            Some((c, fit)) => {
                let leaves = self.read_of(storage, id, c);
                self.note_attempt(id, &leaves, None);
                self.add_member(id, c, fit, &read);
                c
            }
            None => self.open_cluster(storage, id, family, &read),
        };
        for other in read {
            if other != c && self.list[other].is_some() {
                let leaves = self.read_of(storage, id, other);
                let outcome = self.join_by_reader(storage, id, c, other);
                self.note_attempt(id, &leaves, outcome.err());
            }
        }
    }

    /// The clusters that a value may join: a contraction's result gains most from an epilogue, then a
    /// row in registers.
    fn best_first(&self, read: &[usize]) -> Vec<usize> {
        let mut candidates = read.to_vec();
        candidates.sort_by_key(|c| {
            let cluster = self.at(*c);
            let rank = match cluster.family {
                Family::Contract => 0,
                Family::Nest if cluster.inner.contains(&true) => 1,
                Family::Nest => 2,
                Family::Opaque => 3,
            };
            (rank, std::cmp::Reverse(*c))
        });
        candidates
    }

    /// Makes a value a member of a cluster.
    fn add_member(&mut self, id: Id, c: usize, fit: Fit, read: &[usize]) {
        self.axes[id] = fit.axes;
        self.owner[id] = Some(c);
        let cluster = self.at_mut(c);
        cluster.inner = fit.inner;
        cluster.members.push(id);
        cluster.deps.extend(read.iter().filter(|r| **r != c));
    }

    /// Makes a cluster of a value.
    fn open_cluster(&mut self, storage: &Storage, id: Id, family: Family, read: &[usize]) -> usize {
        let c = self.list.len();
        let shape = storage.graph.run_shape(id).to_vec();
        let row = storage.graph.reduced_axes(id);
        let (mut dims, mut inner) = (Vec::new(), Vec::new());
        let mut axes = vec![None; shape.len()];
        // The kept axes first.
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
            sums: None,
        }));
        c
    }

    /// What a value reads of a cluster.
    fn read_of(&self, storage: &Storage, id: Id, c: usize) -> Vec<Id> {
        let leaves = storage.probes[id].reads.iter().map(|(leaf, _)| *leaf);
        leaves.filter(|leaf| self.owner[*leaf] == Some(c)).collect()
    }

    /// Notes what was in the way of fusing a value with some that it reads. The first obstacle is kept,
    /// since it is about the value alone; later ones are about the kernel that it has joined.
    fn note_attempt(&mut self, id: Id, read: &[Id], why: Option<Obstacle>) {
        for leaf in read {
            self.attempts.entry((id, *leaf)).or_insert(why);
        }
    }

    /// Notes that two values are to run in one kernel though neither reads the other.
    pub(super) fn note_siblings(&mut self, first: Id, second: Id) {
        self.attempts.insert((second, first), None);
    }

    /// What became of the attempts to fuse.
    pub fn decisions(&self) -> Vec<Decision<Id>> {
        let decided = |(&(value, with), why): (&(Id, Id), &Option<Obstacle>)| {
            let together = self.owner[value] == self.owner[with];
            let choice = match why {
                _ if together => Choice::Fused { with },
                Some(why) => Choice::NotFused { with, why: *why },
                None => return None,
            };
            Some(Decision { value, choice })
        };
        self.attempts.iter().filter_map(decided).collect()
    }

    /// Whether `from` reads, through others, what `to` computes.
    pub(super) fn reaches(&self, from: usize, to: usize) -> bool {
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
    pub(super) fn must_run_between(&self, a: usize, b: usize) -> bool {
        let through = |from: usize, to: usize| {
            let deps = self.at(from).deps.iter();
            deps.filter(|d| **d != to).any(|d| self.reaches(*d, to))
        };
        through(a, b) || through(b, a)
    }
}
