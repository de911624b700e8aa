//! Makes the kernels of a part out of its clusters: what is needed by whom, stores, loads.

use super::ScheduleError;
use super::affine::Affine;
use super::block_sum::{self, BlockSum};
use super::cluster::{Clusters, Family};
use super::eval::{Eval, Expr, ExprKind, Home, Need, Role, Scope};
use super::graph::{Def, Graph, Id};
use super::merge::merge_nest;
use super::nest::{self, NestSource, Reduced, Stored};
use super::probe::split_dim;
use super::product::{self, Tag};
use super::storage::Storage;
use crate::decision::{Choice, Decision};
use crate::kernel::Class;
use sinew_ir::Reduction;
use std::collections::{BTreeMap, BTreeSet};

/// A kernel whose buffers are drafts.
pub(crate) struct Made {
    pub class: Class,
    /// The values it stores.
    pub values: Vec<Id>,
    /// What it is made of, for its name.
    pub ops: Vec<&'static str>,
    /// How it computes values.
    pub decisions: Vec<Decision<Id>>,
}

/// The kernels of one cluster or copy, in order.
pub(crate) struct Group {
    pub made: Vec<Made>,
    /// The groups that must run before.
    pub after: BTreeSet<usize>,
    /// Where in the program it stands.
    pub position: (bool, Id),
}

/// How values appear in the kernel of one cluster; without a cluster all kernel values are leaves.
pub(super) struct Inside<'a> {
    storage: &'a Storage,
    clusters: &'a Clusters,
    cluster: Option<usize>,
    /// The index of each space dim of the cluster in the refined space.
    base: Vec<Affine>,
    /// Read from here instead of its home.
    pub(super) moved: Option<(Id, Home)>,
}

impl Inside<'_> {
    /// The index of a member over its own axes.
    fn index(&self, id: Id) -> Vec<Affine> {
        self.clusters.axes[id]
            .iter()
            .map(|k| k.map_or_else(Affine::default, |k| self.base[k].clone()))
            .collect()
    }
}

impl Scope for Inside<'_> {
    fn role(&self, id: Id) -> Role {
        if !self.storage.is_leaf(id) {
            return Role::Inline;
        }
        if self.cluster.is_none() || self.clusters.owner[id] != self.cluster {
            return Role::Leaf;
        }
        match self.storage.graph.nodes[id].def.accumulated() {
            Some(axes) => {
                let mut index = self.index(id);
                let mut d = 0;
                index.retain(|_| {
                    d += 1;
                    !axes.contains(&(d - 1))
                });
                Role::Root(index)
            }
            None => Role::Inline,
        }
    }

    fn home(&self, id: Id) -> Home {
        match &self.moved {
            Some((moved, home)) if *moved == id => home.clone(),
            _ => self.storage.home_of(id),
        }
    }
}

pub(crate) struct Emitter<'a> {
    pub(super) storage: &'a Storage,
    clusters: &'a Clusters,
    needed: Vec<bool>,
}

/// Makes all kernels: a group for each cluster, with its number (empty ones included), then one for each
/// copy.
pub(crate) fn make_groups(
    storage: &Storage,
    clusters: &Clusters,
) -> Result<Vec<Group>, ScheduleError> {
    let n = storage.graph.nodes.len();
    let mut emitter = Emitter {
        storage,
        clusters,
        needed: vec![false; n],
    };
    for id in &storage.graph.results {
        if storage.kernel[*id] {
            emitter.needed[*id] = true;
        }
    }
    // A result that is a view has no home: the value that it is of lies in the output.
    for (id, home) in storage.home.iter().enumerate() {
        let given = home.as_ref().and_then(|h| storage.buffers.get(h.buffer));
        let is_output = given.is_some_and(|b| b.site.is_some());
        if storage.kernel[id] && is_output && storage.graph.is_live(id) {
            emitter.needed[id] = true;
        }
    }
    for (id, _) in &storage.extra {
        emitter.needed[*id] = true;
    }
    let mut copies = Vec::new();
    for (i, copy) in storage.copies.iter().enumerate() {
        let from = copy.from.clone().map(|home| (copy.value, home));
        let (made, reads) = emitter.map(copy.value, &copy.home, from)?;
        let mut after: BTreeSet<usize> = reads.iter().filter_map(|r| clusters.owner[*r]).collect();
        emitter.note_needed(&reads);
        if copy.last {
            // Behind everything else of the part, its own source's copy included.
            after.extend(0..clusters.list.len());
            after.extend(
                (0..storage.copies.len())
                    .filter(|j| !storage.copies[*j].last)
                    .map(|j| clusters.list.len() + j),
            );
        }
        copies.push(Group {
            made,
            after,
            position: (copy.last, n + i),
        });
    }
    let mut groups: Vec<Group> = clusters
        .list
        .iter()
        .map(|slot| Group {
            made: Vec::new(),
            after: BTreeSet::new(),
            position: (
                false,
                slot.as_ref()
                    .and_then(|c| c.members.iter().max().copied())
                    .unwrap_or(0),
            ),
        })
        .collect();
    // Users before what they use: a cluster is made once all that read it are.
    for c in users_first(clusters) {
        let (made, reads) = emitter.cluster_kernels(c)?;
        groups[c].made = made;
        for id in &reads {
            if let Some(from) = clusters.owner[*id]
                && from != c
            {
                groups[c].after.insert(from);
            }
        }
        emitter.note_needed(&reads);
    }
    groups.extend(copies);
    Ok(groups)
}

/// The clusters, each before all that it reads.
fn users_first(clusters: &Clusters) -> Vec<usize> {
    let mut order = Vec::new();
    let mut done = vec![false; clusters.list.len()];
    for start in 0..clusters.list.len() {
        // Depth first, with the list of what is still to be visited behind each.
        let mut open = vec![(start, false)];
        while let Some((c, ready)) = open.pop() {
            let Some(cluster) = &clusters.list[c] else {
                continue;
            };
            if ready {
                order.push(c);
            } else if !done[c] {
                done[c] = true;
                open.push((c, true));
                open.extend(cluster.deps.iter().map(|d| (*d, false)));
            }
        }
    }
    order.reverse();
    order
}

pub(crate) type MadeOf = (Vec<Made>, Vec<Id>);

/// A contraction, the leaves of its operands and what these are made of.
type Product = (
    crate::kernel::Contract,
    Vec<Id>,
    Vec<&'static str>,
    Vec<Decision<Id>>,
);

impl Emitter<'_> {
    fn note_needed(&mut self, reads: &[Id]) {
        for id in reads {
            self.needed[*id] = true;
        }
    }

    pub(super) fn scope(&self, cluster: Option<usize>) -> Inside<'_> {
        Inside {
            storage: self.storage,
            clusters: self.clusters,
            cluster,
            base: Vec::new(),
            moved: None,
        }
    }

    pub(super) fn stuck(&self, id: Id) -> ScheduleError {
        ScheduleError::NoIndex(self.storage.graph.nodes[id].value)
    }

    fn cluster_kernels(&mut self, c: usize) -> Result<MadeOf, ScheduleError> {
        let Some(cluster) = &self.clusters.list[c] else {
            return Ok((Vec::new(), Vec::new()));
        };
        let needed: Vec<Id> = cluster
            .members
            .iter()
            .copied()
            .filter(|m| self.needed[*m])
            .collect();
        let sums = cluster.sums.iter().flat_map(|sums| &sums.values);
        let sums: Vec<BlockSum> = sums.copied().filter(|s| self.needed[s.id]).collect();
        if needed.is_empty() && sums.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        match cluster.family {
            Family::Opaque => self.opaque_kernels(needed[0]),
            Family::Nest | Family::Contract => self.fused_kernel(c, &needed, &sums),
        }
    }

    /// The kernel of a nest or a contraction, and those that add up the blocks of sums.
    fn fused_kernel(
        &self,
        c: usize,
        needed: &[Id],
        sums: &[BlockSum],
    ) -> Result<MadeOf, ScheduleError> {
        let Some(cluster) = &self.clusters.list[c] else {
            return Ok((Vec::new(), Vec::new()));
        };
        let graph = &self.storage.graph;
        let mut space = cluster.dims.clone();
        let mut origin: Vec<usize> = (0..space.len()).collect();
        let mut scope = self.scope(Some(c));
        scope.base = (0..space.len()).map(Affine::dim).collect();
        let mut step = match (&cluster.sums, sums) {
            (None, _) | (_, []) => None,
            (Some(blocks), [_, ..]) => Some(blocks.cut(&mut scope.base, &mut space, &mut origin)),
        };
        loop {
            let mut eval = Eval::new(graph, &scope, &space);
            let outer: Vec<(usize, usize)> = (space.iter().copied().enumerate())
                .filter(|(d, _)| !cluster.inner[origin[*d]] && step != Some(*d))
                .collect();
            match self.expressions(&mut eval, &scope, needed, (sums, &outer)) {
                Ok((stores, reduced)) => {
                    let mut reads: Vec<Id> = eval.reads.iter().map(|(id, _)| *id).collect();
                    let mut ops = Vec::new();
                    let mut decisions = Vec::new();
                    let class = match cluster.family {
                        Family::Contract => {
                            let made = self.contract_kernel(c, &eval, &scope, &origin, &stores)?;
                            reads.extend(made.1);
                            ops = made.2;
                            decisions = made.3;
                            Class::Contract(made.0)
                        }
                        Family::Nest | Family::Opaque => {
                            let inner: Vec<bool> =
                                origin.iter().map(|d| cluster.inner[*d]).collect();
                            let (mut nest, choices) = nest::nest(&NestSource {
                                eval: &eval,
                                inner: &inner,
                                step,
                                reduced: &reduced,
                                stores: &stores,
                                target: self.storage.target,
                            });
                            merge_nest(&mut nest);
                            decisions.extend(choices.into_iter().filter_map(|(r, choice)| {
                                let value = eval.value(r)?;
                                Some(Decision { value, choice })
                            }));
                            Class::Nest(nest)
                        }
                    };
                    ops.extend(names(graph, &eval.exprs));
                    reads.sort_unstable();
                    reads.dedup();
                    let made = Made {
                        class,
                        values: needed.to_vec(),
                        ops,
                        decisions,
                    };
                    let mut all = vec![made];
                    all.extend(self.blocks_added_up(sums, &scope)?);
                    return Ok((all, reads));
                }
                Err(Need::Split { dim, inner }) => {
                    match step.as_mut() {
                        // Sums whose rows would be taken apart are not added up in blocks.
                        Some(step) if *step == dim => {
                            return Err(self.stuck(sums.first().map_or(0, |s| s.id)));
                        }
                        Some(step) if *step > dim => *step += 1,
                        Some(_) | None => {}
                    }
                    split_dim(&mut scope.base, &mut space, dim, inner);
                    origin.insert(dim, origin[dim]);
                }
                Err(Need::Store(id) | Need::Share(id)) => return Err(self.stuck(id)),
            }
        }
    }

    /// The kernels that add up the blocks of sums, one for all of a shape.
    fn blocks_added_up(
        &self,
        sums: &[BlockSum],
        scope: &Inside,
    ) -> Result<Vec<Made>, ScheduleError> {
        let graph = &self.storage.graph;
        let mut by_shape: BTreeMap<&[usize], Vec<BlockSum>> = BTreeMap::new();
        for sum in sums {
            let shape = graph.nodes[sum.id].shape.as_slice();
            by_shape.entry(shape).or_default().push(*sum);
        }
        let mut made = Vec::new();
        for sums in by_shape.values() {
            let nest = block_sum::add_blocks(self.storage, sums, scope);
            let mut nest = nest.ok_or_else(|| self.stuck(sums.first().map_or(0, |s| s.id)))?;
            merge_nest(&mut nest);
            made.push(Made {
                class: Class::Nest(nest),
                values: sums.iter().map(|s| s.id).collect(),
                ops: vec![Reduction::Sum.name()],
                decisions: Vec::new(),
            });
        }
        Ok(made)
    }

    /// What a kernel stores and reduces: values for others, and sums over its rows, whose blocks the dims
    /// beside them number.
    fn expressions(
        &self,
        eval: &mut Eval,
        scope: &Inside,
        needed: &[Id],
        (sums, outer): (&[BlockSum], &[(usize, usize)]),
    ) -> Result<(Vec<Stored>, Vec<Reduced>), Need> {
        let graph = &self.storage.graph;
        let mut stores = Vec::new();
        for id in needed {
            let index = match scope.role(*id) {
                Role::Root(index) => index,
                Role::Inline | Role::Leaf => scope.index(*id),
            };
            let value = eval.eval(*id, &index, &[])?;
            for home in self.storage.homes(*id) {
                stores.push(Stored {
                    buffer: home.buffer,
                    at: home.element(&index),
                    value,
                    adds: false,
                });
            }
        }
        for sum in sums {
            if let Def::Reduce { x, .. } = &graph.nodes[sum.id].def {
                let index = scope.index(sum.id);
                stores.push(Stored {
                    buffer: sum.buffer,
                    at: block_sum::place(self.storage, sum.id, &index, outer),
                    value: eval.eval(*x, &index, &[])?,
                    adds: true,
                });
            }
        }
        // What reductions reduce may need further reductions: the list of expressions grows on the way.
        let mut reduced: Vec<Reduced> = Vec::new();
        let mut at = 0;
        while at < eval.exprs.len() {
            if let ExprKind::Root(id) = eval.exprs[at].kind
                && let Def::Reduce { x, kind, .. } = &graph.nodes[id].def
            {
                let index = scope.index(id);
                let value = eval.eval(*x, &index, &[])?;
                reduced.push(Reduced {
                    id,
                    kind: *kind,
                    dtype: graph.nodes[id].dtype,
                    value,
                });
            }
            at += 1;
        }
        reduced.sort_by_key(|r| r.id);
        Ok((stores, reduced))
    }

    fn contract_kernel(
        &self,
        c: usize,
        eval: &Eval,
        scope: &Inside,
        origin: &[usize],
        stores: &[Stored],
    ) -> Result<Product, ScheduleError> {
        let graph = &self.storage.graph;
        let members = self.clusters.list[c].iter().flat_map(|c| c.members.iter());
        let contract = members.copied().find_map(|m| {
            if let Def::Contract {
                x,
                y,
                batch,
                contracted,
            } = graph.nodes[m].def
            {
                return Some((m, x, y, batch, contracted));
            }
            None
        });
        let Some((id, x, y, batch, contracted)) = contract else {
            return Err(ScheduleError::NoIndex(sinew_ir::Value(0)));
        };
        let index = scope.index(id);
        let operand = |x| {
            self.storage
                .operand(x, contracted)
                .map_err(|e| self.stuck(e.value))
        };
        let (left, right) = (operand(x)?, operand(y)?);
        let (m, n) = (
            graph.nodes[x].shape.len() - batch - contracted,
            graph.nodes[y].shape.len() - batch - contracted,
        );
        // The last axes of both are the contracted ones.
        let depth = &graph.nodes[x].shape[batch + m..];
        let along = (0..contracted).map(|d| Affine::dim(origin.len() + d));
        let mut left_axes = index[..batch + m].to_vec();
        let mut right_axes = index[..batch].to_vec();
        right_axes.extend_from_slice(&index[batch + m..batch + m + n]);
        for axes in [&mut left_axes, &mut right_axes] {
            axes.extend(along.clone());
        }
        // The tag of each dim of the space, by the axis of the result it comes from.
        let mut of_dim =
            vec![Tag::Batch; self.clusters.list[c].as_ref().map_or(0, |c| c.dims.len())];
        for (axis, dim) in self.clusters.axes[id].iter().enumerate() {
            if let Some(dim) = dim {
                of_dim[*dim] = match axis {
                    a if a < batch => Tag::Batch,
                    a if a < batch + m => Tag::Left,
                    _ => Tag::Right,
                };
            }
        }
        let tags: Vec<Tag> = origin.iter().map(|d| of_dim[*d]).collect();
        let mut reads = left.reads.clone();
        reads.extend(&right.reads);
        let mut ops = names(graph, &left.exprs);
        ops.extend(names(graph, &right.exprs));
        let decisions = [(x, &left), (y, &right)]
            .into_iter()
            .filter(|(_, operand)| !operand.is_plain())
            .map(|(value, _)| Decision {
                value,
                choice: Choice::ComputedAtUse,
            })
            .collect();
        let operands = [left.over(&left_axes), right.over(&right_axes)];
        let dtype = graph.nodes[id].dtype;
        let made = product::contract(eval, &tags, operands, depth, dtype, stores);
        Ok((made, reads, ops, decisions))
    }
}

/// The names of the instructions of expressions, for a kernel's name.
fn names(graph: &Graph, exprs: &[Expr]) -> Vec<&'static str> {
    let name = |expr: &Expr| match &expr.kind {
        ExprKind::Apply(scalar, _) => Some(scalar.name()),
        ExprKind::Root(id) => match graph.nodes[*id].def {
            Def::Reduce { kind, .. } => Some(kind.name()),
            Def::Source(_)
            | Def::View { .. }
            | Def::Elementwise(..)
            | Def::Gather { .. }
            | Def::Contract { .. }
            | Def::Opaque(_) => None,
        },
        ExprKind::Gather { .. } => Some("take"),
        ExprKind::Load { .. } | ExprKind::Const(_) | ExprKind::Index(_) => None,
    };
    exprs.iter().filter_map(name).collect()
}
