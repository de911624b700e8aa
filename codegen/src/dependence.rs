//! Which nodes of a schedule wait for which: what runs in parallel, or elsewhere, has to keep to this.
//!
//! Everything is told by memory: a node waits for an earlier one if both touch a byte and one of them
//! writes it. A loop touches what its runs touch in all turns; so does a node inside of one, so that two
//! nodes that only meet in different turns wait for each other too.

use crate::bounds::interval;
use crate::kernel::{Node, RegionId, Run, Schedule};

/// Bytes that a node touches.
struct Bytes {
    region: RegionId,
    /// The first one, and the one behind the last.
    range: (i64, i64),
    written: bool,
}

/// Which of `nodes`, which stand in loops with the trip counts `around`, waits for which: pairs of
/// positions, the earlier node first.
pub fn dependences(schedule: &Schedule, nodes: &[Node], around: &[usize]) -> Vec<(usize, usize)> {
    let touched: Vec<Vec<Bytes>> = nodes
        .iter()
        .map(|node| {
            let mut out = Vec::new();
            collect(schedule, node, &mut around.to_vec(), &mut out);
            out
        })
        .collect();
    let mut pairs = Vec::new();
    for (later, mine) in touched.iter().enumerate() {
        for (earlier, theirs) in touched[..later].iter().enumerate() {
            let meet = |a: &Bytes, b: &Bytes| {
                a.region == b.region
                    && (a.written || b.written)
                    && a.range.0 < b.range.1
                    && b.range.0 < a.range.1
            };
            if mine.iter().any(|a| theirs.iter().any(|b| meet(a, b))) {
                pairs.push((earlier, later));
            }
        }
    }
    pairs
}

fn collect(schedule: &Schedule, node: &Node, trips: &mut Vec<usize>, out: &mut Vec<Bytes>) {
    match node {
        Node::Run(run) => of_run(schedule, run, trips, out),
        Node::Part(part) => {
            for node in &part.nodes {
                collect(schedule, node, trips, out);
            }
        }
        Node::Loop(l) => {
            trips.push(l.trip);
            for node in &l.body {
                collect(schedule, node, trips, out);
            }
            trips.pop();
        }
    }
}

fn of_run(schedule: &Schedule, run: &Run, trips: &[usize], out: &mut Vec<Bytes>) {
    let Some(kernel) = schedule.kernel(run) else {
        return;
    };
    for (slot, binding) in kernel.slots.iter().zip(&run.bindings) {
        let Some(buffer) = schedule.buffers.get(binding.buffer.0 as usize) else {
            continue;
        };
        let size = slot.dtype.size().unwrap_or(8) as i64;
        // The verifier refuses what is in no turn, or beyond 64 bits.
        let moved = interval(trips, binding.offset, &binding.steps).flatten();
        let (low, high) = moved.unwrap_or((0, buffer.elements as i64));
        let start = buffer.offset as i64;
        out.push(Bytes {
            region: buffer.region,
            range: (
                start + low * size,
                start + (high + slot.elements as i64) * size,
            ),
            written: slot.usage.writes(),
        });
    }
}
