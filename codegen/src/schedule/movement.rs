//! Kernels that mostly move elements: copies, concatenations, spreads with zeros between, scatters.

use super::ScheduleError;
use super::affine::Affine;
use super::emit::{Emitter, Made, MadeOf};
use super::eval::{Eval, ExprKind, Home, Need};
use super::graph::Id;
use super::merge::{merge_group, merge_nest, visit_access, visit_code};
use super::nest::{self, Stored};
use super::probe::{dims, split_dim};
use crate::kernel::{Class, Scatter};

impl Emitter<'_> {
    /// A map that computes `id` with all kernel values as leaves and stores it.
    pub(super) fn map(
        &self,
        id: Id,
        home: &Home,
        moved: Option<(Id, Home)>,
    ) -> Result<MadeOf, ScheduleError> {
        let graph = &self.storage.graph;
        if graph.elements(id) == 0 {
            return Ok((Vec::new(), Vec::new()));
        }
        let mut scope = self.scope(None);
        scope.moved = moved;
        let (mut base, mut space) = dims(&graph.nodes[id].shape);
        loop {
            let mut eval = Eval::new(graph, &scope, &space);
            match eval.eval(id, &base, &[]) {
                Ok(value) => {
                    let stored = Stored {
                        buffer: home.buffer,
                        at: home.element(&base),
                        value,
                        adds: false,
                    };
                    let mut nest = nest::map(&eval, &[stored]);
                    merge_nest(&mut nest);
                    let reads = eval.reads.iter().map(|(id, _)| *id).collect();
                    let made = Made {
                        class: Class::Nest(nest),
                        values: vec![id],
                        ops: vec!["copy"],
                        decisions: Vec::new(),
                    };
                    return Ok((vec![made], reads));
                }
                Err(Need::Split { dim, inner }) => split_dim(&mut base, &mut space, dim, inner),
                Err(Need::Store(id) | Need::Share(id)) => return Err(self.stuck(id)),
            }
        }
    }

    /// The copies of the parts of a concatenation that their own kernels do not write into its home.
    pub(super) fn concat(
        &self,
        parts: &[Id],
        axis: usize,
        home: &Home,
    ) -> Result<Vec<MadeOf>, ScheduleError> {
        let mut all = Vec::new();
        let mut start = 0i64;
        for part in parts {
            let range = Home {
                buffer: home.buffer,
                offset: home.offset + start * home.strides[axis],
                strides: home.strides.clone(),
            };
            start += self.storage.graph.nodes[*part].shape[axis] as i64;
            let is_there = self.storage.kernel[*part] && self.storage.home_of(*part) == range;
            all.push(match is_there {
                true => (Vec::new(), vec![*part]),
                false => self.map(*part, &range, None)?,
            });
        }
        Ok(all)
    }

    /// Zeros all over a value.
    pub(super) fn fill(&self, id: Id, home: &Home) -> MadeOf {
        let node = &self.storage.graph.nodes[id];
        let scope = self.scope(None);
        let (base, space) = dims(&node.shape);
        let mut eval = Eval::new(&self.storage.graph, &scope, &space);
        let value = eval.add(ExprKind::Const(0), node.dtype);
        let stored = Stored {
            buffer: home.buffer,
            at: home.element(&base),
            value,
            adds: false,
        };
        let mut nest = nest::map(&eval, &[stored]);
        merge_nest(&mut nest);
        let made = Made {
            class: Class::Nest(nest),
            values: vec![id],
            ops: vec!["fill"],
            decisions: Vec::new(),
        };
        (vec![made], Vec::new())
    }

    pub(super) fn scatter(
        &self,
        id: Id,
        indices: Id,
        updates: Id,
        axis: usize,
        home: &Home,
    ) -> Result<MadeOf, ScheduleError> {
        let graph = &self.storage.graph;
        if graph.elements(updates) == 0 || graph.elements(id) == 0 {
            return Ok((Vec::new(), Vec::new()));
        }
        let shape = &graph.nodes[updates].shape;
        let scope = self.scope(None);
        let (mut base, mut space) = axis_last(shape, axis);
        loop {
            let mut eval = Eval::new(graph, &scope, &space);
            let found = eval
                .eval(indices, &base, &[])
                .and_then(|i| Ok((i, eval.eval(updates, &base, &[])?)));
            match found {
                Ok((index, update)) => {
                    let order: Vec<usize> = (0..space.len()).collect();
                    let moves = nest::depends(&eval.exprs, &|_| true, true);
                    let (code, regs) =
                        nest::code(&eval.exprs, &[index, update], &order, &|_| None, &|r| {
                            !moves[r]
                        });
                    let mut target = base.clone();
                    target[axis] = Affine::default();
                    let last = space.len() - 1;
                    let mut scatter = Scatter {
                        outer: space[..last].to_vec(),
                        updates: space[last],
                        extent: graph.nodes[id].shape[axis],
                        target: nest::access(home.buffer, &home.element(&target), &[], &order),
                        stride: home.strides[axis],
                        code,
                        index: regs[&index],
                        update: regs[&update],
                    };
                    let Scatter {
                        outer,
                        target,
                        code,
                        ..
                    } = &mut scatter;
                    merge_group(0, outer, &mut |f| {
                        visit_access(target, f);
                        visit_code(code, f);
                    });
                    let reads = eval.reads.iter().map(|(id, _)| *id).collect();
                    let made = Made {
                        class: Class::Scatter(scatter),
                        values: vec![id],
                        ops: vec!["add"],
                        decisions: Vec::new(),
                    };
                    return Ok((vec![made], reads));
                }
                // The updates run in order over one dim; only those around them may be split.
                Err(Need::Split { dim, inner }) if dim + 1 < space.len() => {
                    split_dim(&mut base, &mut space, dim, inner);
                }
                Err(Need::Split { .. }) => return Err(self.stuck(id)),
                Err(Need::Store(id) | Need::Share(id)) => return Err(self.stuck(id)),
            }
        }
    }
}

/// The space with the dims around an axis, then the axis, and the index of each dim of a shape over it.
pub(super) fn axis_last(shape: &[usize], axis: usize) -> (Vec<Affine>, Vec<usize>) {
    let around = (0..shape.len()).filter(|d| *d != axis);
    let order: Vec<usize> = around.chain([axis]).collect();
    let space: Vec<usize> = order.iter().map(|d| shape[*d]).collect();
    let mut base = vec![Affine::default(); shape.len()];
    for (k, d) in order.iter().enumerate() {
        if space[k] != 1 {
            base[*d] = Affine::dim(k);
        }
    }
    (base, space)
}
