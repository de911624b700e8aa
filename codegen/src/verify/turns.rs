//! Loops that turn often: a few turns tell what all of them do.
//!
//! The accesses of a turn are those of the turn before, each moved by a constant. Where what all buffers
//! hold moves so too, what is decided in a turn is whether linear functions of its number are at least
//! zero, or zero. So these are followed:
//!
//! - the first three turns; where the second and the third change what is held by the same amounts, that
//!   is what each turn does: a join of two ranges is an equation, which holds in all turns if it holds in
//!   two;
//! - the last but one, from what would be held before it: an inequality that holds in the third turn and
//!   in this one holds in all between;
//! - the last, in which columns may become a whole buffer.
//!
//! A turn between must decide as these two do. It does where each decision was made in the same way by
//! both ([`Decision`]), about one band of its buffer, and where no store passes over another buffer on
//! its way from one to the other. Anything else is followed turn by turn.

use super::VerifyError;
use super::band::Band;
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
        /// Where in a band of columns: its rules are not linear, so that it must be at the same place.
        column: Option<i64>,
    },
    /// Written.
    Stored {
        buffer: usize,
        /// The band that it was in already.
        absorbed: Option<usize>,
        /// How many bands there are then.
        bands: usize,
        /// Rows and period of the last, if it has columns.
        columns: Option<(i64, i64)>,
        range: Range,
        /// The buffers that it is written over.
        over: Vec<usize>,
    },
    /// Told by elements: it may be another in each turn.
    ByElements,
}

/// The first and the last element of a store, which move: two are always equal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range([i64; 2]);

impl PartialEq for Range {
    fn eq(&self, _: &Range) -> bool {
        true
    }
}

impl Decision {
    /// A read whose first element is `low`.
    pub fn read(buffer: usize, band: usize, there: &Band, low: i64) -> Decision {
        Decision::Read {
            buffer,
            band,
            column: (there.rows > 1).then_some(low - there.first),
        }
    }

    /// A store to what then is `bands`.
    pub fn stored(
        buffer: usize,
        absorbed: Option<usize>,
        bands: &[Band],
        range: [i64; 2],
        over: Vec<usize>,
    ) -> Decision {
        let last = bands.last().filter(|b| b.rows > 1);
        Decision::Stored {
            buffer,
            absorbed,
            bands: bands.len(),
            columns: last.map(|b| (b.rows, b.period)),
            range: Range(range),
            over,
        }
    }

    /// A store that adds to what is there.
    pub fn added(buffer: usize, range: [i64; 2], over: Vec<usize>) -> Decision {
        Decision::stored(buffer, Some(0), &[Band::range(0, 1)], range, over)
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
            match self.jump(l, turns, &traced[2], &held) {
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

    /// Follows the last turn but one, where the third turn and that one tell what those between do.
    /// `held` is what was held behind each of the first three.
    fn jump(
        &mut self,
        l: &Loop,
        turns: &mut Vec<usize>,
        third: &Trace,
        held: &[Vec<Held>],
    ) -> Option<Trace> {
        let [first, second, now] = held else {
            return None;
        };
        let count = (l.trip - 5) as i64;
        let each = first.iter().zip(second).zip(now);
        let moved = each.map(|((a, b), c)| moved(a, b, c, count));
        self.held = moved.collect::<Option<_>>()?;
        let last = l.trip - 2;
        // What is missing there is told by the turn that misses it.
        let trace = self.traced_turn(l, turns, last).ok()?;
        let same = trace.len() == third.len()
            && trace.iter().zip(third).all(|(a, b)| self.are_alike(a, b));
        same.then_some(trace)
    }

    /// Whether two turns decided in one way, as those between then do.
    fn are_alike(&self, a: &Decision, b: &Decision) -> bool {
        if a != b {
            return false;
        }
        match (a, b) {
            (Decision::Read { .. }, _) => true,
            (
                Decision::Stored {
                    buffer,
                    bands,
                    range: Range(from),
                    over,
                    ..
                },
                Decision::Stored {
                    range: Range(to), ..
                },
            ) => {
                let swept = self.sharing(*buffer, from[0].min(to[0]), from[1].max(to[1]));
                *bands == 1 && swept == *over
            }
            (Decision::Stored { .. } | Decision::ByElements, _) => false,
        }
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
