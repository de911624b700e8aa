//! Loops that turn often: a few turns tell what all of them do.
//!
//! The accesses of a turn are those of the turn before, each moved by a constant. Where what all buffers
//! hold moves so too, what is decided in a turn is whether linear functions of its number are at least
//! zero, or zero. So these are followed:
//!
//! - the first three turns; where the second and the third decide the same and change what is held by the
//!   same amounts, that is what each turn does: a join of two ranges is an equation, which holds in all
//!   turns if it holds in two;
//! - the last but one, from what would be held before it: an inequality that holds in the third turn and
//!   in this one holds in all between;
//! - the last, in which columns may become a whole buffer.
//!
//! A turn between must decide as these do. It does where each decision was made in the same way by all
//! ([`Decision`]), and where the buffers that a store passes over on its way from the third turn to the last
//! but one are of no use to the loop. Anything else is followed turn by turn. A turn between may find more
//! than that, where a store meets what it does not meet in the others, and never less: nothing ends what a
//! buffer holds but stores to others.

use super::VerifyError;
use super::band::{Band, Met};
use super::memory::{Held, State};
use crate::kernel::Loop;

/// The decisions of a turn, in order.
pub(super) type Trace = Vec<Decision>;

/// How what is read was found to be there, or how what is written was added.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Decision {
    /// Read from a band.
    Read {
        buffer: usize,
        band: usize,
        place: Place,
    },
    /// Written.
    Stored {
        buffer: usize,
        met: Met,
        /// How many bands there are then.
        bands: usize,
        /// Rows and period of the last, if it has columns.
        columns: Option<(i64, i64)>,
        passed: Passed,
    },
    /// Added to what is there.
    Added { buffer: usize, passed: Passed },
    /// Told by elements: it may be another in each turn.
    ByElements,
}

/// Where in a band something is read. Whether it is there is told by linear functions as long as it stays
/// in one row: the row is a quotient, which never turns back, so that it is the same in all turns between
/// two that have it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Place {
    /// In a range.
    Range,
    /// In this row of columns.
    Row(i64),
    /// In columns of all rows, which start in this one.
    Columns(i64),
}

/// What a store passes, which moves: two are always equal.
#[derive(Clone, Debug)]
pub(super) struct Passed {
    /// The first and the last element.
    pub range: [i64; 2],
    /// The buffers that it is written over.
    pub over: Vec<usize>,
}

impl PartialEq for Passed {
    fn eq(&self, _: &Passed) -> bool {
        true
    }
}

impl Decision {
    /// A store to what then is `bands`.
    pub fn stored(buffer: usize, met: Met, bands: &[Band], passed: Passed) -> Decision {
        let last = bands.last().filter(|b| b.rows > 1);
        Decision::Stored {
            buffer,
            met,
            bands: bands.len(),
            columns: last.map(|b| (b.rows, b.period)),
            passed,
        }
    }

    /// Whether it is about a buffer.
    fn is_about(&self, at: usize) -> bool {
        match self {
            Decision::Read { buffer, .. }
            | Decision::Stored { buffer, .. }
            | Decision::Added { buffer, .. } => *buffer == at,
            Decision::ByElements => true,
        }
    }
}

/// As many turns are followed one by one.
const FEW: usize = 8;

impl State<'_> {
    /// Follows a loop.
    pub fn turns(&mut self, l: &Loop, turns: &mut Vec<usize>) -> Result<(), VerifyError> {
        let mut from = 0;
        if l.trip > FEW {
            let before = self.trace.take();
            let mut traced = Vec::new();
            let mut held = Vec::new();
            for turn in 0..3 {
                traced.push(self.traced_turn(l, turns, turn)?);
                held.push(self.held.clone());
            }
            from = 3;
            match self.jump(l, turns, &traced, &held) {
                Some(last) => {
                    traced.push(last);
                    from = l.trip - 1;
                }
                None => self.held.clone_from(&held[2]),
            }
            self.trace = before;
            if let Some(trace) = &mut self.trace {
                traced.drain(..).for_each(|t| trace.extend(t));
            }
        }
        for turn in from..l.trip {
            self.turn(l, turns, turn)?;
        }
        Ok(())
    }

    fn turn(&mut self, l: &Loop, turns: &mut Vec<usize>, turn: usize) -> Result<(), VerifyError> {
        turns.push(turn);
        let done = self.nodes(&l.body, turns);
        turns.pop();
        if l.apart {
            self.end_turn();
        }
        done
    }

    fn traced_turn(
        &mut self,
        l: &Loop,
        turns: &mut Vec<usize>,
        turn: usize,
    ) -> Result<Trace, VerifyError> {
        self.trace = Some(Trace::new());
        let done = self.turn(l, turns, turn);
        let trace = self.trace.take().unwrap_or_default();
        done.map(|()| trace)
    }

    /// Follows the last turn but one, where that one tells with the first three what those between do: these
    /// decided `traced`, and `held` is what was held behind each.
    fn jump(
        &mut self,
        l: &Loop,
        turns: &mut Vec<usize>,
        traced: &[Trace],
        held: &[Vec<Held>],
    ) -> Option<Trace> {
        let ([_, second_trace, third], [first, second, now]) = (traced, held) else {
            return None;
        };
        if second_trace != third {
            return None;
        }
        let count = (l.trip - 5) as i64;
        let each = first.iter().zip(second).zip(now);
        let moved = each.map(|((a, b), c)| moved(a, b, c, count));
        self.held = moved.collect::<Option<_>>()?;
        let last = l.trip - 2;
        // What is missing there is told by the turn that misses it.
        let trace = self.traced_turn(l, turns, last).ok()?;
        let mut pairs = third.iter().zip(&trace);
        let same = trace == *third && pairs.all(|(a, b)| self.is_told(a, b, &trace, now));
        same.then_some(trace)
    }

    /// Whether the turns between two decide as both did. `trace` is of the later, and `held` was held behind
    /// the earlier.
    fn is_told(&self, from: &Decision, to: &Decision, trace: &Trace, held: &[Held]) -> bool {
        let (buffer, a, b) = match (from, to) {
            (Decision::Read { .. }, _) => return true,
            (Decision::Stored { buffer, passed, .. }, Decision::Stored { passed: later, .. })
            | (Decision::Added { buffer, passed }, Decision::Added { passed: later, .. }) => {
                (*buffer, passed, later)
            }
            (Decision::Stored { .. } | Decision::Added { .. } | Decision::ByElements, _) => {
                return false;
            }
        };
        // What another buffer holds is lost in each turn, or at some time, and then is not what the loop
        // reads or writes; or there is nothing to be lost.
        let is_lost = |other: &usize| {
            let is_idle = || !trace.iter().any(|d| d.is_about(*other));
            match [a, b].map(|p| p.over.contains(other)) {
                [true, true] => true,
                [false, false] => held[*other].is_empty() && is_idle(),
                [true, false] | [false, true] => is_idle(),
            }
        };
        let [low, high] = [a.range[0].min(b.range[0]), a.range[1].max(b.range[1])];
        self.sharing(buffer, low, high).iter().all(is_lost)
    }
}

/// What a buffer holds `count` turns on, where it changed by the same amounts in two turns.
fn moved(first: &Held, second: &Held, third: &Held, count: i64) -> Option<Held> {
    let all = [first, second, third];
    if all.iter().any(|h| h.elements.is_some()) {
        return None;
    }
    let bands = second.bands.len();
    if all.iter().any(|h| h.bands.len() != bands) {
        return None;
    }
    let triples = first.bands.iter().zip(&second.bands).zip(&third.bands);
    let moved = triples.map(|((a, b), c)| {
        let by = |part: fn(&Band) -> i64| {
            let step = part(c) - part(b);
            (step == part(b) - part(a)).then_some(step)
        };
        let constant = |part: fn(&Band) -> i64| by(part).filter(|step| *step == 0);
        constant(|b| b.rows)?;
        if c.rows > 1 {
            constant(|b| b.period)?;
        }
        let first = c.first + count * by(|b| b.first)?;
        let width = c.width + count * by(|b| b.width)?;
        Some(match c.rows {
            1 => Band::range(first, width),
            _ => Band { first, width, ..*c },
        })
    });
    Some(Held {
        bands: moved.collect::<Option<_>>()?,
        elements: None,
    })
}
