//! The order of a stretch's kernels, and which results must be computed aside.

use super::emit::{Group, Made};
use super::overlap;
use super::storage::OpenBuffer;
use crate::kernel::SlotId;
use std::collections::BTreeSet;

/// Orders the kernels: after what they read; those that write over inputs after all that read these.
///
/// # Errors
/// The results that must be computed elsewhere and copied at the end; none where that cannot help.
pub(super) fn in_order(
    groups: Vec<Group>,
    buffers: &[OpenBuffer],
    inputs: usize,
    outputs: &[usize],
    staged: &[usize],
) -> Result<Vec<Made>, Vec<usize>> {
    let mut after: Vec<BTreeSet<usize>> = groups.iter().map(|g| g.after.clone()).collect();
    // While a kernel is being made, its accesses name buffers where they will name slots.
    let index = |id: SlotId| id.0 as usize;
    let mut conflicts = BTreeSet::new();
    let mut in_place: Vec<(usize, usize)> = Vec::new();
    for (r, output) in outputs.iter().enumerate() {
        if staged.contains(&r) {
            continue;
        }
        let over: Vec<usize> = (0..inputs)
            .filter(|i| overlap(&buffers[*i], &buffers[*output]))
            .collect();
        if over.is_empty() {
            continue;
        }
        let writes = |g: &Group| {
            let mut touches = g.made.iter().flat_map(|m| m.class.touches());
            touches.any(|t| t.stores && index(t.access.slot) == *output)
        };
        for (w, writer) in groups.iter().enumerate().filter(|(_, g)| writes(g)) {
            in_place.push((w, r));
            for (g, reader) in groups.iter().enumerate() {
                let mut touched = reader.made.iter().flat_map(|m| m.class.touches());
                if g != w && touched.any(|t| t.loads && over.contains(&index(t.access.slot))) {
                    after[w].insert(g);
                }
            }
            if !same_place(writer, &over, *output, buffers) {
                conflicts.insert(r);
            }
        }
    }
    if !conflicts.is_empty() {
        return Err(conflicts.into_iter().collect());
    }
    let mut slots: Vec<Option<Group>> = groups.into_iter().map(Some).collect();
    let mut order = Vec::new();
    let mut waiting: Vec<usize> = (0..slots.len()).collect();
    waiting.sort_by_key(|g| slots[*g].as_ref().map(|g| g.position));
    let mut done = vec![false; slots.len()];
    while !waiting.is_empty() {
        let ready = waiting
            .iter()
            .position(|g| after[*g].iter().all(|d| done[*d] || d == g));
        let Some(ready) = ready else {
            let stuck = in_place.iter().filter(|(w, _)| waiting.contains(w));
            let results: BTreeSet<usize> = stuck.map(|(_, r)| *r).collect();
            return Err(results.into_iter().collect());
        };
        let g = waiting.remove(ready);
        done[g] = true;
        if let Some(group) = slots[g].take() {
            order.extend(group.made);
        }
    }
    Ok(order)
}

/// Whether a group that writes `output` reads the inputs under it only at the same index, before.
fn same_place(group: &Group, over: &[usize], output: usize, buffers: &[OpenBuffer]) -> bool {
    let mut written = false;
    for made in &group.made {
        let all = made.class.touches();
        for load in all.iter().filter(|t| t.loads) {
            let from = load.access.slot.0 as usize;
            if !over.contains(&from) {
                continue;
            }
            let (a, b) = (&buffers[from], &buffers[output]);
            let same_buffer =
                (a.site, a.start, &a.steps, a.dtype) == (b.site, b.start, &b.steps, b.dtype);
            if written || !same_buffer || !load.plain {
                return false;
            }
            for store in all.iter().filter(|t| t.stores) {
                let (a, b) = (&load.access, &store.access);
                let same = a.offset == b.offset && a.strides == b.strides;
                let into = b.slot.0 as usize == output;
                if into && !(same && store.plain && load.stage <= store.stage) {
                    return false;
                }
            }
        }
        written |= all
            .iter()
            .any(|t| t.stores && t.access.slot.0 as usize == output);
    }
    true
}
