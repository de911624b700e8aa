//! What the shares of a phase touch: bytes of regions, by which it is told whether they have to do with each
//! other.
//!
//! A piece of a kernel touches what its accesses reach between two places of the loop that is cut
//! ([`super::share`]): an interval of each slot, never too narrow. What two shares touch of one region meets in
//! some turn of the loops around them, or in none.

use std::ops::Range;

use crate::bounds::interval;
use crate::kernel::{Class, Kernel, RegionId, Slot, SlotId, Touch};

/// What a piece of a kernel touches of a slot: first and last element.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub slot: SlotId,
    pub elements: (i64, i64),
    pub written: bool,
}

/// What shares touch of a region, of which some range of bytes is touched.
pub(super) struct Touched {
    pub region: RegionId,
    /// Of all shares together: the first byte and the one behind the last, in the first turns.
    pub whole: (i64, i64),
    /// Of each share.
    pub shares: Vec<(usize, (i64, i64))>,
    /// Bytes further for each turn of the loops around the phase.
    pub steps: Vec<i64>,
    pub written: bool,
    /// Memory of a turn that each thread has for itself: no two of them meet there.
    pub own: bool,
}

/// Whether ranges meet in some turn of loops in which they move apart by so much.
fn meet(a: (i64, i64), b: (i64, i64), (low, high): (i64, i64)) -> bool {
    a.0.saturating_add(low) < b.1 && b.0 < a.1.saturating_add(high)
}

impl Touched {
    /// Adds what other shares touch of the same.
    pub fn add(&mut self, other: Touched) {
        self.whole = (
            self.whole.0.min(other.whole.0),
            self.whole.1.max(other.whole.1),
        );
        self.shares.extend(other.shares);
    }

    /// Which shares of `other` touch what other shares of this do, one of which writes: pairs of shares.
    pub fn conflicts<'a>(
        &'a self,
        other: &'a Touched,
        trips: &[usize],
    ) -> impl Iterator<Item = (usize, usize)> + 'a {
        let apart: Vec<i64> = (self.steps.iter().zip(&other.steps))
            .map(|(x, y)| x.saturating_sub(*y))
            .collect();
        let anywhere = (i64::MIN / 4, i64::MAX / 4);
        let apart = interval(trips, 0, &apart).flatten().unwrap_or(anywhere);
        let may = self.region == other.region
            && (self.written || other.written)
            && !(self.own && other.own)
            && meet(self.whole, other.whole, apart);
        let mine = self.shares.iter().filter(move |_| may);
        mine.flat_map(move |(a, range)| {
            let theirs = other.shares.iter();
            let theirs = theirs.filter(move |(b, other)| a != b && meet(*range, *other, apart));
            theirs.map(|(b, _)| (*a, *b))
        })
    }
}

/// What a kernel touches.
pub(super) fn whole(kernel: &Kernel) -> Vec<Piece> {
    let piece = |(number, slot): (usize, &Slot)| {
        let piece = |written| Piece {
            slot: SlotId(u32::try_from(number).unwrap_or(u32::MAX)),
            elements: (0, slot.elements as i64 - 1),
            written,
        };
        let (reads, writes) = (slot.usage.reads(), slot.usage.writes());
        [reads.then(|| piece(false)), writes.then(|| piece(true))]
    };
    let slots = kernel.slots.iter().enumerate();
    slots.flat_map(piece).flatten().collect()
}

/// What a kernel touches between two places of its loop of length `whole`: that over the first dim of its
/// space, or of its columns, and perhaps those behind it.
pub(super) fn pieces(
    kernel: &Kernel,
    by_columns: bool,
    whole: usize,
    places: Range<usize>,
) -> Vec<Piece> {
    let mut out: Vec<Piece> = Vec::new();
    for (body, touch) in kernel.class.touches_by_body() {
        let dim = cut_dim(&kernel.class, by_columns, body);
        let touch = match dim.and_then(|dim| Some((dim, *touch.space.get(dim)?))) {
            // The dim may be the first of several that the loop goes through as one.
            Some((dim, extent)) => {
                let rest = (whole / extent.max(1)).max(1);
                let end = places.end.div_ceil(rest).min(extent);
                touch.between(dim, (places.start / rest).min(end)..end)
            }
            None => touch,
        };
        let Some(elements) = touch.range() else {
            continue;
        };
        let slot = touch.access.slot;
        let same = |p: &&mut Piece| p.slot == slot && p.written == touch.stores;
        match out.iter_mut().find(same) {
            Some(piece) => {
                let (low, high) = piece.elements;
                piece.elements = (low.min(elements.0), high.max(elements.1));
            }
            None => out.push(Piece {
                slot,
                elements,
                // What is added to is read as well.
                written: touch.stores,
            }),
        }
    }
    out
}

/// The dim of a body's space along which a kernel is cut.
fn cut_dim(class: &Class, by_columns: bool, body: Option<usize>) -> Option<usize> {
    match class {
        Class::Nest(_) | Class::Scatter(_) | Class::Scan(_) | Class::Sort(_) => Some(0),
        Class::Contract(c) if !c.batch.is_empty() => Some(0),
        // Of the left operand, the right one, and the results.
        Class::Contract(c) => match (body, by_columns) {
            (Some(0) | Some(2), false) => Some(0),
            (Some(1), true) => Some(c.k.len()),
            (Some(2), true) => Some(c.m.len()),
            (Some(_), _) | (None, _) => None,
        },
    }
}

impl Touch {
    /// The same, between two places of a dim of the space.
    fn between(&self, dim: usize, places: Range<usize>) -> Touch {
        let mut touch = self.clone();
        let moved = |offset: &mut i64, strides: &[i64]| {
            let stride = strides.get(dim).copied().unwrap_or(0);
            *offset = offset.saturating_add(stride.saturating_mul(places.start as i64));
        };
        moved(&mut touch.access.offset, &self.access.strides);
        for guard in &mut touch.access.guards {
            moved(&mut guard.offset, &guard.strides);
        }
        if let Some(extent) = touch.space.get_mut(dim) {
            *extent = places.len();
        }
        touch
    }
}
