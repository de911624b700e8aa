//! The accesses of a kernel, for whoever must know what it reads and writes.

use crate::bounds::range;
use crate::kernel::{Access, Class, Code, ScalarKind, Stage};

/// One access of a kernel.
#[derive(Clone, Debug)]
pub(crate) struct Touch {
    /// Where, over `space`.
    pub access: Access,
    /// The space it runs over; a computed index is one more dim of it, the last.
    pub space: Vec<usize>,
    /// Whether it reads.
    pub loads: bool,
    /// Whether it writes.
    pub stores: bool,
    /// A load or store at the index itself, not a gathered or scattered or contracted one.
    pub plain: bool,
    /// The stage of a nest.
    pub stage: usize,
    /// How often it is done.
    pub times: usize,
}

impl Touch {
    /// First and last element of the slot, inclusive; none where it touches nothing (or leaves 64
    /// bits, which the verifier refuses).
    pub fn range(&self) -> Option<(i64, i64)> {
        range(&self.space, &self.access).flatten()
    }
}

fn volume(space: &[usize]) -> usize {
    space.iter().fold(1, |n: usize, e| n.saturating_mul(*e))
}

/// An access with a dim for the index that is computed.
fn computed(access: &Access, stride: i64) -> Access {
    let mut access = access.clone();
    access.strides.push(stride);
    for guard in &mut access.guards {
        guard.strides.push(0);
    }
    access
}

/// `pointwise`: the code runs at the index of the kernel's stores.
fn code(code: &Code, stage: usize, space: &[usize], pointwise: bool, out: &mut Vec<Touch>) {
    let touch = |access: &Access, store: bool| Touch {
        access: access.clone(),
        space: space.to_vec(),
        loads: !store,
        stores: store,
        plain: pointwise,
        stage,
        times: volume(space),
    };
    for inst in &code.insts {
        match &inst.kind {
            ScalarKind::Load(access) => out.push(touch(access, false)),
            ScalarKind::Gather {
                access,
                extent,
                stride,
                ..
            } => {
                let mut gather = touch(&computed(access, *stride), false);
                gather.space.push(*extent);
                gather.plain = false;
                out.push(gather);
            }
            ScalarKind::Const(_)
            | ScalarKind::Index { .. }
            | ScalarKind::Row(_)
            | ScalarKind::Element(_)
            | ScalarKind::Accumulator
            | ScalarKind::Apply(..) => {}
        }
    }
    out.extend(code.stores.iter().map(|s| touch(&s.access, true)));
}

/// All accesses of a kernel, in program order.
pub(crate) fn touches(class: &Class) -> Vec<Touch> {
    let mut out = Vec::new();
    match class {
        Class::Nest(nest) => {
            let space = [&nest.outer[..], &nest.inner].concat();
            // A row stage runs once a row, at index 0 of the row's dims.
            let mut once = nest.outer.clone();
            once.resize(space.len(), 1);
            for (s, stage) in nest.stages.iter().enumerate() {
                match stage {
                    Stage::Row { code: c, .. } => code(c, s, &once, true, &mut out),
                    Stage::Each { code: c, .. } => code(c, s, &space, true, &mut out),
                }
            }
        }
        Class::Contract(c) => {
            code(&c.lhs.code, 0, &c.lhs_space(), false, &mut out);
            code(&c.rhs.code, 0, &c.rhs_space(), false, &mut out);
            code(&c.epilogue, 0, &c.space(), true, &mut out);
        }
        Class::Scatter(s) => {
            let mut space = [&s.outer[..], &[s.updates]].concat();
            code(&s.code, 0, &space, true, &mut out);
            let times = volume(&space);
            space.push(s.extent);
            out.push(Touch {
                access: computed(&s.target, s.stride),
                space,
                loads: true,
                stores: true,
                plain: false,
                stage: 0,
                times,
            });
        }
        Class::Scan(s) => code(&s.code, 0, &s.space(), true, &mut out),
        Class::Sort(s) => {
            let space = s.space();
            let touch = |access: &Access, stores: bool| Touch {
                access: access.clone(),
                space: space.clone(),
                loads: !stores,
                stores,
                plain: false,
                stage: 0,
                times: volume(&space),
            };
            out.extend([touch(&s.keys, false), touch(&s.indices, true)]);
        }
    }
    out
}

/// Calls `f` on every access.
pub(crate) fn each_access(class: &mut Class, f: &mut dyn FnMut(&mut Access)) {
    fn code(code: &mut Code, f: &mut dyn FnMut(&mut Access)) {
        for inst in &mut code.insts {
            match &mut inst.kind {
                ScalarKind::Load(access) | ScalarKind::Gather { access, .. } => f(access),
                ScalarKind::Const(_)
                | ScalarKind::Index { .. }
                | ScalarKind::Row(_)
                | ScalarKind::Element(_)
                | ScalarKind::Accumulator
                | ScalarKind::Apply(..) => {}
            }
        }
        for store in &mut code.stores {
            f(&mut store.access);
        }
    }
    match class {
        Class::Nest(nest) => {
            for stage in &mut nest.stages {
                match stage {
                    Stage::Row { code: c, .. } | Stage::Each { code: c, .. } => code(c, f),
                }
            }
        }
        Class::Contract(c) => {
            for c in [&mut c.lhs.code, &mut c.rhs.code, &mut c.epilogue] {
                code(c, f);
            }
        }
        Class::Scatter(s) => {
            code(&mut s.code, f);
            f(&mut s.target);
        }
        Class::Scan(s) => code(&mut s.code, f),
        Class::Sort(s) => [&mut s.keys, &mut s.indices].into_iter().for_each(f),
    }
}
