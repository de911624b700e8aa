//! The accesses of a kernel, for whoever must know what it reads and writes.

use crate::kernel::{Access, Class, Code, ScalarKind, Stage};

/// One access of a kernel.
pub(crate) struct Touch<'a> {
    pub access: &'a Access,
    pub store: bool,
    /// A load or store at the index itself, not a gathered or scattered or contracted one.
    pub plain: bool,
    /// The stage of a nest.
    pub stage: usize,
    /// Elements of the space it runs over.
    pub times: usize,
}

/// `pointwise`: the code runs at the index of the kernel's stores.
fn code<'a>(code: &'a Code, stage: usize, times: usize, pointwise: bool, out: &mut Vec<Touch<'a>>) {
    let mut push = |access, store, plain: bool| {
        out.push(Touch {
            access,
            store,
            plain: plain && pointwise,
            stage,
            times,
        });
    };
    for inst in &code.insts {
        match &inst.kind {
            ScalarKind::Load(access) => push(access, false, true),
            ScalarKind::Gather { access, .. } => push(access, false, false),
            ScalarKind::Const(_)
            | ScalarKind::Index { .. }
            | ScalarKind::Row(_)
            | ScalarKind::Accumulator
            | ScalarKind::Apply(..) => {}
        }
    }
    for store in &code.stores {
        push(&store.access, true, true);
    }
}

/// All accesses of a kernel, in program order.
pub(crate) fn touches(class: &Class) -> Vec<Touch<'_>> {
    let mut out = Vec::new();
    match class {
        Class::Nest(nest) => {
            let rows: usize = nest.outer.iter().product();
            let row: usize = nest.inner.iter().product();
            for (s, stage) in nest.stages.iter().enumerate() {
                match stage {
                    Stage::Row { code: c, .. } => code(c, s, rows, true, &mut out),
                    Stage::Each { code: c, .. } => code(c, s, rows * row, true, &mut out),
                }
            }
        }
        Class::Contract(c) => {
            for (operand, space) in [(&c.lhs, c.lhs_space()), (&c.rhs, c.rhs_space())] {
                code(&operand.code, 0, space.iter().product(), false, &mut out);
            }
            code(&c.epilogue, 0, c.space().iter().product(), true, &mut out);
        }
        Class::Scatter(s) => {
            let times = s.outer.iter().product::<usize>() * s.updates;
            code(&s.code, 0, times, true, &mut out);
            for store in [false, true] {
                out.push(Touch {
                    access: &s.target,
                    store,
                    plain: false,
                    stage: 0,
                    times,
                });
            }
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
            f(&mut s.target);
            code(&mut s.code, f);
        }
    }
}
