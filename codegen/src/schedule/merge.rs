//! Merges neighbouring dims of a kernel where every access allows it, and drops dims of extent 1.

use crate::kernel::{Access, Code, Nest, ScalarKind};

/// Calls `f` on every list of strides of a code.
pub(crate) fn visit_code(code: &mut Code, f: &mut dyn FnMut(&mut Vec<i64>)) {
    for inst in &mut code.insts {
        match &mut inst.kind {
            ScalarKind::Load(access) | ScalarKind::Gather { access, .. } => visit_access(access, f),
            ScalarKind::Index { strides, .. } => f(strides),
            ScalarKind::Const(_)
            | ScalarKind::Row(_)
            | ScalarKind::Element(_)
            | ScalarKind::Accumulator
            | ScalarKind::Apply(..) => {}
        }
    }
    for store in &mut code.stores {
        visit_access(&mut store.access, f);
    }
}

pub(crate) fn visit_access(access: &mut Access, f: &mut dyn FnMut(&mut Vec<i64>)) {
    f(&mut access.strides);
    for guard in &mut access.guards {
        f(&mut guard.strides);
    }
}

type Visit<'a> = dyn FnMut(&mut dyn FnMut(&mut Vec<i64>)) + 'a;

/// Merges dims of one group (the first of which is dim `first`) in all lists that `visit` shows.
pub(crate) fn merge_group(first: usize, extents: &mut Vec<usize>, visit: &mut Visit) {
    let mut d = 0;
    while d < extents.len() {
        let at = first + d;
        if extents[d] == 1 {
            visit(&mut |s| {
                s.remove(at);
            });
            extents.remove(d);
            continue;
        }
        if d + 1 < extents.len() {
            let next = extents[d + 1] as i64;
            let mut fits = true;
            visit(&mut |s| fits &= s[at] == s[at + 1] * next);
            if fits {
                visit(&mut |s| {
                    s.remove(at);
                });
                let gone = extents.remove(d);
                extents[d] *= gone;
                // The merged dim may merge with the one before it, too.
                d = d.saturating_sub(1);
                continue;
            }
        }
        d += 1;
    }
}

pub(crate) fn merge_nest(nest: &mut Nest) {
    let Nest {
        outer,
        inner,
        stages,
        ..
    } = nest;
    let mut visit = |f: &mut dyn FnMut(&mut Vec<i64>)| {
        for stage in stages.iter_mut() {
            visit_code(stage.code_mut(), f);
        }
    };
    // A row keeps one dim at least: without any there is no row to run over.
    let rows = !inner.is_empty();
    merge_group(0, outer, &mut visit);
    if rows {
        merge_group(outer.len(), inner, &mut visit);
    }
}
