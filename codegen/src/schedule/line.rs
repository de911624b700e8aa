//! Kernels that take the elements along an axis one after the other: scans and sorts.

use super::ScheduleError;
use super::affine::Affine;
use super::emit::{Emitter, Made, MadeOf};
use super::eval::{Eval, ExprKind, Home, Need};
use super::graph::Id;
use super::merge::{merge_group, visit_access, visit_code};
use super::movement::axis_last;
use super::nest;
use super::probe::split_dim;
use crate::kernel::{self, Class, Sort, Store};

impl Emitter<'_> {
    /// A scan of `operands` along an axis, backwards if the flag is set.
    pub(super) fn scan(
        &self,
        id: Id,
        (operands, kind): (&[Id], sinew_ir::Scan),
        (axis, reverse): (usize, bool),
        home: &Home,
    ) -> Result<MadeOf, ScheduleError> {
        let graph = &self.storage.graph;
        let node = &graph.nodes[id];
        if graph.elements(id) == 0 {
            return Ok((Vec::new(), Vec::new()));
        }
        let scope = self.scope(None);
        let (mut base, mut space) = axis_last(&node.shape, axis);
        if reverse {
            let mut index = Affine::constant(node.shape[axis] as i64 - 1);
            index.add_scaled(&base[axis], -1);
            base[axis] = index;
        }
        loop {
            let mut eval = Eval::new(graph, &scope, &space);
            let found: Result<Vec<_>, Need> =
                operands.iter().map(|x| eval.eval(*x, &base, &[])).collect();
            match found {
                Ok(elements) => {
                    let before = eval.add(ExprKind::Root(id), node.dtype);
                    let next = kind.next(before, &elements, &mut |scalar, pair| {
                        Some(eval.add(ExprKind::Apply(scalar, pair.to_vec()), node.dtype))
                    });
                    let next = next.ok_or_else(|| self.stuck(id))?;
                    let order: Vec<usize> = (0..space.len()).collect();
                    let (mut code, regs) =
                        nest::code(&eval.exprs, &[next], &order, &|_| None, &|_| false);
                    code.stores.push(Store {
                        access: nest::access(home.buffer, &home.element(&base), &[], &order),
                        value: regs[&next],
                        adds: false,
                    });
                    let last = space.len() - 1;
                    let mut scan = kernel::Scan {
                        outer: space[..last].to_vec(),
                        extent: space[last],
                        start: kind.start(),
                        code,
                        next: regs[&next],
                    };
                    let kernel::Scan { outer, code, .. } = &mut scan;
                    merge_group(0, outer, &mut |f| visit_code(code, f));
                    let made = Made {
                        class: Class::Scan(scan),
                        values: vec![id],
                        ops: vec![kind.name()],
                        decisions: Vec::new(),
                    };
                    let reads = eval.reads.iter().map(|(id, _)| *id).collect();
                    return Ok((vec![made], reads));
                }
                // Steps run in order over one dim; only those around it may be split.
                Err(Need::Split { dim, inner }) if dim + 1 < space.len() => {
                    split_dim(&mut base, &mut space, dim, inner);
                }
                Err(Need::Split { .. }) => return Err(self.stuck(id)),
                Err(Need::Store(id) | Need::Share(id)) => return Err(self.stuck(id)),
            }
        }
    }

    /// The order of the stored elements of `x` along an axis, the greatest first if the flag is set.
    pub(super) fn sort(
        &self,
        id: Id,
        x: Id,
        (axis, descending): (usize, bool),
        home: &Home,
    ) -> MadeOf {
        let graph = &self.storage.graph;
        if graph.elements(id) == 0 {
            return (Vec::new(), Vec::new());
        }
        let (base, space) = axis_last(&graph.nodes[id].shape, axis);
        let order: Vec<usize> = (0..space.len()).collect();
        let keys = self.storage.home_of(x);
        let [keys, indices] =
            [&keys, home].map(|home| nest::access(home.buffer, &home.element(&base), &[], &order));
        let last = space.len() - 1;
        let mut sort = Sort {
            outer: space[..last].to_vec(),
            extent: space[last],
            descending,
            keys,
            indices,
        };
        let Sort {
            outer,
            keys,
            indices,
            ..
        } = &mut sort;
        merge_group(0, outer, &mut |f| {
            visit_access(keys, f);
            visit_access(indices, f);
        });
        let made = Made {
            class: Class::Sort(sort),
            values: vec![id],
            ops: Vec::new(),
            decisions: Vec::new(),
        };
        (vec![made], vec![x])
    }
}
