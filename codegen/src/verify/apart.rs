//! The rule of loops whose turns stand apart: 10 of [`super`]. No turn touches what another one writes.
//!
//! It is told of each two accesses in the loop's body, one of which writes, over all turns at once: what one reaches
//! in a turn lies in front of, or behind, what the other does in any other turn, perhaps between two columns. What
//! cannot be told so is followed element by element, as running the loop slowly does, if that is not too much.

use super::memory::each_element;
use super::{VerifyError, fail};
use crate::bounds::{interval, range};
use crate::kernel::{Access, Loop, Node, RegionId, RegionKind, Run, Schedule, Touch};
use std::collections::HashMap;

/// Elements that are followed for a loop: a second or so.
const MOST_FOLLOWED: usize = 1 << 24;

/// Checks all loops whose turns stand apart; of some it may take too long to tell, which are not refused: whether all
/// were told.
pub(crate) fn apart(schedule: &Schedule) -> Result<bool, VerifyError> {
    let kernels = schedule.kernels.iter();
    let check = Check {
        schedule,
        touches: kernels.map(|k| k.class.touches()).collect(),
    };
    check.nodes(&schedule.nodes, &mut Vec::new(), false)
}

struct Check<'a> {
    schedule: &'a Schedule,
    /// What each kernel touches.
    touches: Vec<Vec<Touch>>,
}

/// What a run touches in a turn of the loop, in all turns of the loops inside of it.
struct Reached<'a> {
    kernel: &'a str,
    region: RegionId,
    /// Bytes of an element.
    size: i64,
    written: bool,
    /// In elements of the region, over the space: in the first turns of the loop and those around it.
    access: Access,
    space: Vec<usize>,
    /// Elements further for each turn.
    step: i64,
    /// Elements further for each turn of the loops around.
    around: Vec<i64>,
}

impl<'a> Check<'a> {
    fn nodes(
        &self,
        nodes: &'a [Node],
        trips: &mut Vec<usize>,
        within: bool,
    ) -> Result<bool, VerifyError> {
        let mut told = true;
        for node in nodes {
            match node {
                Node::Run(_) => {}
                Node::Part(part) => told &= self.nodes(&part.nodes, trips, within)?,
                Node::Loop(l) if !l.apart => {
                    trips.push(l.trip);
                    told &= self.nodes(&l.body, trips, within)?;
                    trips.pop();
                }
                Node::Loop(_) if within => {
                    let what = "its turns stand apart, in one turn of others that do";
                    return Err(fail("loop", what));
                }
                Node::Loop(l) => {
                    let (first, nest) = (trips.len(), l.nest());
                    let mut last = l;
                    for l in nest {
                        told &= self.one(l, trips)?;
                        trips.push(l.trip);
                        last = l;
                    }
                    told &= self.nodes(&last.body, trips, true)?;
                    trips.truncate(first);
                }
            }
        }
        Ok(told)
    }

    /// A loop in others with the trip counts `around`.
    fn one(&self, l: &'a Loop, around: &[usize]) -> Result<bool, VerifyError> {
        let mut all = Vec::new();
        self.collect(&l.body, around.len(), &mut Vec::new(), &mut all);
        let mut open = vec![false; all.len()];
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate().take(i + 1) {
                let may = a.region == b.region && (a.written || b.written);
                if may && !a.is_apart_from(b, l.trip, around) {
                    (open[i], open[j]) = (true, true);
                }
            }
        }
        let open = all.iter().zip(&open).filter(|(_, open)| **open);
        let open: Vec<&Reached<'_>> = open.map(|(r, _)| r).collect();
        let turns = around
            .iter()
            .fold(l.trip, |n, trip| n.saturating_mul(*trip));
        let followed = open.iter().map(|reached| {
            let space = reached.space.iter();
            space.fold(turns, |n, extent| n.saturating_mul(*extent))
        });
        if followed.fold(0, usize::saturating_add) > MOST_FOLLOWED {
            return Ok(false);
        }
        self.by_elements(&open, l.trip, around).map(|()| true)
    }

    /// What the runs of nodes touch, but for memory of a turn, in `around` loops, the loop, and those of `inside`.
    fn collect(
        &self,
        nodes: &'a [Node],
        around: usize,
        inside: &mut Vec<usize>,
        out: &mut Vec<Reached<'a>>,
    ) {
        for node in nodes {
            match node {
                Node::Run(run) => self.of_run(run, around, inside, out),
                Node::Part(part) => self.collect(&part.nodes, around, inside, out),
                Node::Loop(l) => {
                    inside.push(l.trip);
                    self.collect(&l.body, around, inside, out);
                    inside.pop();
                }
            }
        }
    }

    fn of_run(&self, run: &Run, around: usize, inside: &[usize], out: &mut Vec<Reached<'a>>) {
        let (Some(kernel), Some(touches)) = (
            self.schedule.kernel(run),
            self.touches.get(run.kernel.0 as usize),
        ) else {
            return;
        };
        for touch in touches {
            let binding = run.bindings.get(touch.access.slot.0 as usize);
            let Some((binding, buffer)) = binding.and_then(|binding| {
                let buffer = self.schedule.buffers.get(binding.buffer.0 as usize)?;
                Some((binding, buffer))
            }) else {
                continue;
            };
            let kind = self.schedule.regions.get(buffer.region.0 as usize);
            let kind = kind.map_or(RegionKind::Input, |region| region.kind);
            if kind == RegionKind::Turn || !kind.is_written() || touch.range().is_none() {
                continue;
            }
            let size = buffer.dtype.size().unwrap_or(8) as i64;
            let mut reached = Reached {
                kernel: &kernel.name,
                region: buffer.region,
                size,
                written: touch.stores,
                access: touch.access.clone(),
                space: touch.space.clone(),
                step: binding.steps.get(around).copied().unwrap_or(0),
                around: binding.steps.iter().take(around).copied().collect(),
            };
            reached.access.offset += binding.offset + buffer.offset as i64 / size;
            for (trip, step) in inside.iter().zip(binding.steps.iter().skip(around + 1)) {
                reached.add_dim(*trip, *step);
            }
            out.push(reached);
        }
    }

    /// Follows what some accesses reach, turn by turn.
    fn by_elements(
        &self,
        all: &[&Reached<'_>],
        trip: usize,
        around: &[usize],
    ) -> Result<(), VerifyError> {
        if all.is_empty() {
            return Ok(());
        }
        let mut turns = vec![0; around.len()];
        loop {
            let mut writers: HashMap<(RegionId, i64), usize> = HashMap::new();
            for written in [true, false] {
                for reached in all.iter().filter(|r| r.written == written) {
                    for turn in 0..trip {
                        let met = reached.meets(turn, &turns, &mut writers);
                        if let Some(byte) = met {
                            let region = self.schedule.regions.get(reached.region.0 as usize);
                            let region = region.map_or("", |r| &r.name);
                            let what = format!(
                                "in a loop whose turns stand apart, one touches byte {byte} of `{region}`, \
                                 which another one writes"
                            );
                            return Err(fail(reached.kernel, what));
                        }
                    }
                }
            }
            let Some(next) = (0..turns.len()).rev().find(|d| turns[*d] + 1 < around[*d]) else {
                return Ok(());
            };
            turns[next] += 1;
            turns[next + 1..].fill(0);
        }
    }
}

impl Reached<'_> {
    fn add_dim(&mut self, extent: usize, stride: i64) {
        self.space.push(extent);
        self.access.strides.push(stride);
        for guard in &mut self.access.guards {
            guard.strides.push(0);
        }
    }

    /// The first byte that a turn touches and another writes; those that are written are told to `writers`.
    fn meets(
        &self,
        turn: usize,
        around: &[usize],
        writers: &mut HashMap<(RegionId, i64), usize>,
    ) -> Option<i64> {
        let mut access = self.access.clone();
        access.offset += self.step * turn as i64;
        for (step, turn) in self.around.iter().zip(around) {
            access.offset += step * *turn as i64;
        }
        let mut met = None;
        each_element(&self.space, &access, &mut |element| {
            for byte in element * self.size..(element + 1) * self.size {
                let other = match self.written {
                    true => *writers.entry((self.region, byte)).or_insert(turn),
                    false => *writers.get(&(self.region, byte)).unwrap_or(&turn),
                };
                if other != turn {
                    met = met.or(Some(byte));
                }
            }
        });
        met
    }

    /// Whether no turn of this touches an element that another turn of the other does, as far as can be told without
    /// looking at each.
    fn is_apart_from(&self, other: &Reached<'_>, trip: usize, around: &[usize]) -> bool {
        // In other parts of the region, as two values are.
        let ends = self.bytes(trip, around).zip(other.bytes(trip, around));
        if ends.is_some_and(|((a, b), (c, d))| b <= c || d <= a) {
            return true;
        }
        if self.size != other.size {
            return false;
        }
        // In one turn of the loops around; what both move by there does not matter.
        let mut this = Reached {
            access: self.access.clone(),
            space: self.space.clone(),
            around: Vec::new(),
            ..*self
        };
        let steps = self.around.iter().zip(&other.around);
        for (trip, (a, b)) in around.iter().zip(steps).filter(|(_, (a, b))| a != b) {
            this.add_dim(*trip, a.saturating_sub(*b));
        }
        let strides = this.access.strides.iter().chain(&other.access.strides);
        let strides = strides.chain([&this.step, &other.step]);
        let periods = strides.filter_map(|s| s.checked_abs()).filter(|s| *s > 1);
        let mut periods = periods.map(Some).chain([None]);
        periods.any(|period| this.is_apart_by(other, trip, period) == Some(true))
    }

    /// The first byte that is touched in some turn and the one behind the last.
    fn bytes(&self, trip: usize, around: &[usize]) -> Option<(i64, i64)> {
        let (low, high) = range(&self.space, &self.access)??;
        let trips = [around, &[trip]].concat();
        let steps = [&self.around[..], &[self.step]].concat();
        let (back, on) = interval(&trips, 0, &steps)??;
        let low = low.checked_add(back)?.checked_mul(self.size)?;
        let end = high.checked_add(on)?.checked_add(1)?;
        Some((low, end.checked_mul(self.size)?))
    }

    /// The first element that is touched in the first turn, and the one behind the last: of each row of a period,
    /// if there is one.
    fn window(&self, period: Option<i64>) -> Option<(i64, i64)> {
        let mut access = self.access.clone();
        for stride in &mut access.strides {
            if period.is_some_and(|period| *stride % period == 0) {
                *stride = 0;
            }
        }
        let (low, high) = range(&self.space, &access)??;
        Some((low, high.checked_add(1)?))
    }

    /// Whether what both touch of each row of a period, or of one row, is apart in different turns.
    fn is_apart_by(&self, other: &Reached<'_>, trip: usize, period: Option<i64>) -> Option<bool> {
        // Differences of 64 bits.
        let wide = |(low, end): (i64, i64)| (i128::from(low), i128::from(end));
        let (mine, theirs) = (wide(self.window(period)?), wide(other.window(period)?));
        let (a, b) = (mine.1 - mine.0, theirs.1 - theirs.0);
        let moves = |step: i64| match period {
            Some(period) if step % period == 0 => 0,
            Some(_) | None => i128::from(step),
        };
        let (step, step_there) = (moves(self.step), moves(other.step));
        let last = i128::try_from(trip).ok()? - 1;
        let period = period.map(i128::from);
        // How far theirs begins behind the nearest row of mine in the first turn.
        let from = theirs.0 - mine.0;
        let from = period.map_or(from, |period| {
            let from = from.rem_euclid(period);
            if from > period / 2 {
                from - period
            } else {
                from
            }
        });
        if step == step_there && step != 0 {
            // In a later turn it begins so far behind at the least and at the most, in an earlier one before.
            let (one, all) = (step.abs(), step.abs().checked_mul(last)?);
            let apart = from + one >= a && from - one + b <= 0;
            let in_row =
                period.is_none_or(|period| from + all + b <= period && from - all >= a - period);
            if apart && in_row {
                return Some(true);
            }
        }
        // In any two turns.
        let ends = [0, step.checked_mul(last)?].map(|mine| -mine);
        let there = [0, step_there.checked_mul(last)?];
        let low = from + ends[0].min(ends[1]) + there[0].min(there[1]);
        let high = from + ends[0].max(ends[1]) + there[0].max(there[1]);
        Some(match period {
            None => low >= a || high + b <= 0,
            Some(period) => {
                let first = low.rem_euclid(period);
                first >= a && first + (high - low) + b <= period
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::SlotId;

    fn reached(numbers: &mut impl FnMut(i64) -> i64, written: bool) -> Reached<'static> {
        let dims = numbers(3);
        let mut access = Access {
            slot: SlotId(0),
            offset: numbers(12),
            strides: Vec::new(),
            guards: Vec::new(),
        };
        let mut space = Vec::new();
        for _ in 0..dims {
            space.push(1 + numbers(3) as usize);
            access.strides.push(numbers(13) - 4);
        }
        Reached {
            kernel: "",
            region: RegionId(0),
            size: 4,
            written,
            access,
            space,
            step: numbers(9) - 3,
            around: vec![numbers(3)],
        }
    }

    /// Of small accesses, what is told of all turns at once is what their elements tell, or less.
    #[test]
    fn what_is_apart_has_no_element_in_common() {
        let mut state = 1u64;
        let mut numbers = |below: i64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as i64 % below
        };
        let schedule = Schedule::new(crate::kernel::Regions::new());
        let check = Check {
            schedule: &schedule,
            touches: Vec::new(),
        };
        let (mut told, mut fine) = (0, 0);
        for _ in 0..20_000 {
            let (a, b) = (reached(&mut numbers, true), reached(&mut numbers, false));
            let (trip, around) = (2 + numbers(3) as usize, [1 + numbers(3) as usize]);
            let found = a.is_apart_from(&a, trip, &around) && a.is_apart_from(&b, trip, &around);
            let exact = check.by_elements(&[&a, &b], trip, &around).is_ok();
            let one = |r: &Reached<'_>| format!("{:?} {:?} {}", r.access, r.space, r.step);
            assert!(
                exact || !found,
                "{}, {}, {trip} {around:?}",
                one(&a),
                one(&b)
            );
            told += usize::from(found);
            fine += usize::from(exact);
        }
        assert!(told > 500 && 2 * told > fine, "{told} of {fine}");
    }
}
