//! The rules of a run: 8 of [`super`].

use super::{Check, VerifyError, fail};
use crate::bounds::interval;
use crate::kernel::{Binding, Kernel, Node, RegionId, RegionKind, Run, Schedule, Slot};

/// Checks all runs and the loops around them.
pub(super) fn runs(schedule: &Schedule) -> Result<(), VerifyError> {
    nodes(schedule, &schedule.nodes, &mut Vec::new(), false)
}

/// `apart`: in a loop whose turns stand apart.
fn nodes(
    schedule: &Schedule,
    list: &[Node],
    trips: &mut Vec<usize>,
    apart: bool,
) -> Result<(), VerifyError> {
    for node in list {
        match node {
            Node::Run(run) => {
                let kernel = schedule
                    .kernel(run)
                    .ok_or_else(|| fail(&format!("kernel {}", run.kernel.0), "there is none"))?;
                bindings(schedule, kernel, run, trips).map_err(|e| fail(&kernel.name, e))?;
                if !apart && let Some(buffer) = of_a_turn(schedule, run) {
                    let what = format!("memory of a turn outside of one: `{buffer}`");
                    return Err(fail(&kernel.name, what));
                }
            }
            Node::Part(part) => nodes(schedule, &part.nodes, trips, apart)?,
            Node::Loop(l) => {
                if l.trip == 0 {
                    return Err(fail("loop", "it has no turn"));
                }
                trips.push(l.trip);
                nodes(schedule, &l.body, trips, apart || l.apart)?;
                trips.pop();
            }
        }
    }
    Ok(())
}

/// A buffer of a run that lies in memory of a turn.
fn of_a_turn<'s>(schedule: &'s Schedule, run: &Run) -> Option<&'s str> {
    run.bindings.iter().find_map(|binding| {
        let buffer = schedule.buffers.get(binding.buffer.0 as usize)?;
        let region = schedule.regions.get(buffer.region.0 as usize)?;
        (region.kind == RegionKind::Turn).then_some(buffer.name.as_str())
    })
}

/// A slot in its region: first byte and the one behind the last, in the first turns.
struct Placed<'a> {
    slot: &'a Slot,
    binding: &'a Binding,
    region: RegionId,
    bytes: (i64, i64),
}

fn bindings(schedule: &Schedule, kernel: &Kernel, run: &Run, trips: &[usize]) -> Check {
    if run.bindings.len() != kernel.slots.len() {
        return Err(format!(
            "{} bindings of {} slots",
            run.bindings.len(),
            kernel.slots.len()
        ));
    }
    let bounds = [0].into_iter().chain(run.cuts.iter().copied());
    let bounds = bounds.chain([kernel.parallel()]);
    // Without cuts they do: no parallel space is empty.
    if !bounds.is_sorted_by(|a, b| a < b) {
        return Err(format!(
            "cuts that leave the axis of {} or do not rise",
            kernel.parallel()
        ));
    }
    let mut placed: Vec<Placed<'_>> = Vec::new();
    for (i, (slot, binding)) in kernel.slots.iter().zip(&run.bindings).enumerate() {
        let found = place(schedule, slot, binding, trips).map_err(|e| format!("slot {i}: {e}"))?;
        for (j, other) in placed.iter().enumerate() {
            let may_share = !slot.usage.writes() && !other.slot.usage.writes();
            if !may_share && share(&found, other, trips) {
                return Err(format!(
                    "slots {j} and {i} share memory, and one is written"
                ));
            }
        }
        placed.push(found);
    }
    Ok(())
}

fn place<'a>(
    schedule: &'a Schedule,
    slot: &'a Slot,
    binding: &'a Binding,
    trips: &[usize],
) -> Result<Placed<'a>, String> {
    let id = binding.buffer.0;
    let buffer = schedule.buffers.get(id as usize);
    let buffer = buffer.ok_or_else(|| format!("no buffer {id}"))?;
    if buffer.dtype != slot.dtype {
        return Err(format!(
            "elements of {} in `{}`, which holds {}",
            slot.dtype, buffer.name, buffer.dtype
        ));
    }
    if binding.steps.len() != trips.len() {
        return Err(format!(
            "{} steps in {} loops",
            binding.steps.len(),
            trips.len()
        ));
    }
    let leaves = || format!("leaves `{}`", buffer.name);
    let Some(Some((low, high))) = interval(trips, binding.offset, &binding.steps) else {
        return Err(leaves());
    };
    let elements = i64::try_from(slot.elements).map_err(|_| leaves())?;
    let end = high.checked_add(elements).ok_or_else(leaves)?;
    if low < 0 || i64::try_from(buffer.elements).is_ok_and(|e| end > e) {
        return Err(leaves());
    }
    // That of a buffer that has been checked.
    let region = &schedule.regions[buffer.region.0 as usize];
    if slot.usage.writes() && !region.kind.is_written() {
        return Err(format!(
            "stores to `{}`, whose region `{}` is only read",
            buffer.name, region.name
        ));
    }
    let size = buffer.dtype.size().expect("its buffer has been checked") as i64;
    let start = buffer.offset as i64 + binding.offset * size;
    Ok(Placed {
        slot,
        binding,
        region: buffer.region,
        bytes: (start, start + elements * size),
    })
}

/// Whether two slots share bytes in some turn.
fn share(a: &Placed<'_>, b: &Placed<'_>, trips: &[usize]) -> bool {
    if a.region != b.region || a.slot.elements == 0 || b.slot.elements == 0 {
        return false;
    }
    // What of their distance moves with the turns.
    let size = |p: &Placed<'_>| p.slot.dtype.size().unwrap_or(8) as i64;
    let apart = a.binding.steps.iter().zip(&b.binding.steps);
    let apart: Vec<i64> = apart.map(|(x, y)| x * size(a) - y * size(b)).collect();
    let Some(Some((low, high))) = interval(trips, 0, &apart) else {
        return true;
    };
    a.bytes.0 + low < b.bytes.1 && b.bytes.0 < a.bytes.1 + high
}
