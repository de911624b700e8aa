//! The rule of all runs together: 9 of [`super`]. What is read was written, and is still there.
//!
//! Runs are followed in the order in which they run, and of each buffer is known what it holds: a few
//! sets of elements ([`Band`]), since most kernels write whole buffers, ranges or columns. Where bands
//! cannot say it, elements are told one by one, which takes as long as running the kernel slowly.

use super::kernel::window;
use super::{VerifyError, fail};
use crate::kernel::{Access, Binding, Buffer, BufferId, Kernel, Schedule, Touch};

/// Checks that every run reads what is there.
pub(super) fn memory(schedule: &Schedule) -> Result<(), VerifyError> {
    let of_kernel: Vec<Vec<Touch>> = schedule.kernels.iter().map(|k| k.class.touches()).collect();
    let mut state = State::new(schedule);
    schedule.each_run(&mut |run, turns| {
        let Some(kernel) = schedule.kernel(run) else {
            return Ok(());
        };
        let all = &of_kernel[run.kernel.0 as usize];
        let at = |touch: &Touch| -> Option<(BufferId, Access)> {
            let binding: &Binding = run.bindings.get(touch.access.slot.0 as usize)?;
            let mut access = touch.access.clone();
            access.offset += binding.at(turns);
            Some((binding.buffer, access))
        };
        for touch in all.iter().filter(|t| t.loads) {
            if let Some((buffer, access)) = at(touch) {
                state
                    .load(buffer, touch, &access)
                    .map_err(|e| broken(kernel, e))?;
            }
        }
        for touch in all.iter().filter(|t| t.stores) {
            if let Some((buffer, access)) = at(touch) {
                state.store(buffer, touch, &access);
            }
        }
        Ok(())
    })
}

fn broken(kernel: &Kernel, what: String) -> VerifyError {
    fail(&kernel.name, what)
}

/// `rows` ranges of `width` elements, `period` apart; one range where `rows` is 1.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Band {
    first: i64,
    width: i64,
    period: i64,
    rows: i64,
}

impl Band {
    fn range(first: i64, width: i64) -> Band {
        Band {
            first,
            width,
            period: width,
            rows: 1,
        }
    }

    /// The elements of an injective access without guards; none where they are no band.
    fn covered_by(touch: &Touch, access: &Access) -> Option<Band> {
        let (mut low, mut dims) = (access.offset, Vec::new());
        for (extent, stride) in touch.space.iter().zip(&access.strides) {
            let steps = *extent as i64 - 1;
            low += (stride * steps).min(0);
            if steps > 0 {
                dims.push((stride.abs(), *extent as i64));
            }
        }
        dims.sort_unstable();
        let mut band = Band::range(low, 1);
        for (stride, extent) in dims {
            if band.rows == 1 && stride == band.width {
                band = Band::range(low, band.width * extent);
            } else if band.rows == 1 {
                band.period = stride;
                band.rows = extent;
            } else if stride == band.period * band.rows {
                band.rows *= extent;
            } else {
                return None;
            }
        }
        Some(band)
    }

    /// The element behind the last.
    fn end(&self) -> i64 {
        self.first + (self.rows - 1) * self.period + self.width
    }

    /// Whether it holds all of another.
    fn holds(&self, other: &Band) -> bool {
        if self.rows == 1 {
            return self.first <= other.first && other.end() <= self.end();
        }
        let same = other.rows == 1 || other.period == self.period;
        let (row, column) = self.place(other.first);
        same && column + other.width <= self.width && row >= 0 && row + other.rows <= self.rows
    }

    /// Row and column of an element.
    fn place(&self, element: i64) -> (i64, i64) {
        let from = element - self.first;
        (from.div_euclid(self.period), from.rem_euclid(self.period))
    }

    /// Whether it has no element of another, as far as can be told.
    fn is_apart(&self, other: &Band) -> bool {
        if self.end() <= other.first || other.end() <= self.first {
            return true;
        }
        // A range's period is its width: no column of it is behind the width.
        if self.period != other.period {
            return false;
        }
        let (_, column) = self.place(other.first);
        column >= self.width && column + other.width <= self.period
    }

    /// Both as one, where that is a band.
    fn joined(&self, other: &Band) -> Option<Band> {
        let (a, b) = match self.first <= other.first {
            true => (self, other),
            false => (other, self),
        };
        if a.rows == 1 && b.rows == 1 {
            return (a.end() == b.first).then(|| Band::range(a.first, a.width + b.width));
        }
        if a.rows == b.rows && a.period == b.period && a.first + a.width == b.first {
            let width = a.width + b.width;
            return Some(match width == a.period {
                true => Band::range(a.first, width * a.rows),
                false => Band { width, ..*a },
            });
        }
        let below = a.first + a.rows * a.period == b.first;
        (below && a.width == b.width && a.period == b.period).then(|| Band {
            rows: a.rows + b.rows,
            ..*a
        })
    }

    fn each(&self, f: &mut dyn FnMut(i64)) {
        for row in 0..self.rows {
            let first = self.first + row * self.period;
            (first..first + self.width).for_each(&mut *f);
        }
    }
}

/// What a buffer holds.
#[derive(Clone, Debug, Default)]
struct Held {
    /// Bands that have no element in common.
    bands: Vec<Band>,
    /// Element by element, once bands could not say it.
    elements: Option<Vec<bool>>,
}

impl Held {
    fn is_empty(&self) -> bool {
        self.bands.is_empty() && self.elements.is_none()
    }

    /// What is held, element by element, from now on.
    fn elements(&mut self, count: usize) -> &mut Vec<bool> {
        let bands = std::mem::take(&mut self.bands);
        self.elements.get_or_insert_with(|| {
            let mut all = vec![false; count];
            for band in bands {
                band.each(&mut |e| {
                    if let Some(place) = usize::try_from(e).ok().and_then(|e| all.get_mut(e)) {
                        *place = true;
                    }
                });
            }
            all
        })
    }
}

/// What all buffers hold.
struct State<'a> {
    schedule: &'a Schedule,
    held: Vec<Held>,
    /// The buffer whose store ended what another held.
    lost: Vec<Option<usize>>,
}

impl<'a> State<'a> {
    fn new(schedule: &'a Schedule) -> State<'a> {
        let n = schedule.buffers.len();
        State {
            schedule,
            held: vec![Held::default(); n],
            lost: vec![None; n],
        }
    }

    /// A buffer that means nothing before it is written.
    fn unfilled(&self, id: BufferId) -> Option<(usize, &'a Buffer)> {
        let at = id.0 as usize;
        let buffer = self.schedule.buffers.get(at)?;
        let region = self.schedule.regions.get(buffer.region.0 as usize)?;
        (!region.kind.is_filled()).then_some((at, buffer))
    }

    fn load(&mut self, id: BufferId, touch: &Touch, access: &Access) -> Result<(), String> {
        let Some((at, buffer)) = self.unfilled(id) else {
            return Ok(());
        };
        let Some((low, high)) = touch.range() else {
            return Ok(());
        };
        let moved = access.offset - touch.access.offset;
        let (low, high) = (low + moved, high + moved);
        let all = Band::range(low, high - low + 1);
        let mut bands = self.held[at].bands.iter();
        if bands.any(|band| band.holds(&all) || holds(band, touch, access)) {
            return Ok(());
        }
        let held = self.held[at].elements(buffer.elements);
        let mut missing = None;
        each_element(&touch.space, access, &mut |e| {
            let there = usize::try_from(e).ok().and_then(|e| held.get(e));
            if there != Some(&true) && missing.is_none() {
                missing = Some(e);
            }
        });
        let Some(element) = missing else {
            return Ok(());
        };
        let name = |i: usize| &self.schedule.buffers[i].name;
        Err(match self.lost[at] {
            Some(other) => format!(
                "reads element {element} of `{}`, over which `{}` was written",
                buffer.name,
                name(other)
            ),
            None => format!(
                "reads element {element} of `{}`, which nothing wrote",
                buffer.name
            ),
        })
    }

    fn store(&mut self, id: BufferId, touch: &Touch, access: &Access) {
        let Some((at, buffer)) = self.unfilled(id) else {
            return;
        };
        let Some((low, high)) = touch.range() else {
            return;
        };
        let moved = access.offset - touch.access.offset;
        self.clobber(at, buffer, low + moved, high + moved);
        if touch.loads {
            // A scatter adds to what is there.
            return;
        }
        let held = &mut self.held[at];
        if held.elements.is_none()
            && let Some(band) = Band::covered_by(touch, access)
            && add(&mut held.bands, band)
        {
            return;
        }
        let held = held.elements(buffer.elements);
        each_element(&touch.space, access, &mut |e| {
            let place = usize::try_from(e).ok().and_then(|e| held.get_mut(e));
            if let Some(place) = place {
                *place = true;
            }
        });
        if held.iter().all(|there| *there) {
            self.held[at] = Held {
                bands: vec![Band::range(0, buffer.elements as i64)],
                elements: None,
            };
        }
    }

    /// Ends what other buffers hold that share bytes with a store.
    fn clobber(&mut self, at: usize, buffer: &Buffer, low: i64, high: i64) {
        let bytes = |b: &Buffer, low: i64, end: i64| {
            let size = b.dtype.size().unwrap_or(8) as i64;
            (b.offset as i64 + low * size, b.offset as i64 + end * size)
        };
        let (start, end) = bytes(buffer, low, high + 1);
        for (i, other) in self.schedule.buffers.iter().enumerate() {
            if i == at || other.region != buffer.region {
                continue;
            }
            let (first, last) = bytes(other, 0, other.elements as i64);
            if start < last && first < end {
                let held = std::mem::take(&mut self.held[i]);
                if !held.is_empty() {
                    self.lost[i] = Some(at);
                }
            }
        }
    }
}

/// Whether a band has all that an access reaches: its columns lie among the band's.
fn holds(band: &Band, touch: &Touch, access: &Access) -> bool {
    if band.rows == 1 {
        return false;
    }
    let mut from = access.clone();
    from.offset -= band.first;
    let Some((low, high)) = crate::bounds::range(&touch.space, &from).flatten() else {
        return false;
    };
    let Some((_, last)) = window(&touch.space, &from, band.period) else {
        return false;
    };
    low >= 0 && high.div_euclid(band.period) < band.rows && last < band.width
}

/// Adds a band to others; false where it has only some elements in common with one.
fn add(bands: &mut Vec<Band>, mut band: Band) -> bool {
    if bands.iter().any(|b| b.holds(&band)) {
        return true;
    }
    bands.retain(|b| !band.holds(b));
    if !bands.iter().all(|b| b.is_apart(&band)) {
        return false;
    }
    while let Some((i, joined)) = bands
        .iter()
        .enumerate()
        .find_map(|(i, b)| Some((i, b.joined(&band)?)))
    {
        bands.swap_remove(i);
        band = joined;
    }
    bands.push(band);
    true
}

/// Calls `f` with every element that an access reaches.
fn each_element(space: &[usize], access: &Access, f: &mut dyn FnMut(i64)) {
    // Dims that nothing depends on are run over once.
    let counts = |d: usize| {
        access.strides.get(d) != Some(&0) || access.guards.iter().any(|g| g.strides[d] != 0)
    };
    let dims: Vec<usize> = (0..space.len()).filter(|d| counts(*d)).collect();
    if space.contains(&0) {
        return;
    }
    let mut index = vec![0i64; space.len()];
    loop {
        let affine = |offset: i64, strides: &[i64]| {
            let terms = strides.iter().zip(&index);
            offset + terms.map(|(s, i)| s * i).sum::<i64>()
        };
        let mut guards = access.guards.iter();
        if guards.all(|g| (0..g.extent).contains(&affine(g.offset, &g.strides))) {
            f(affine(access.offset, &access.strides));
        }
        let mut next = dims.iter().rev();
        loop {
            let Some(&d) = next.next() else {
                return;
            };
            index[d] += 1;
            if (index[d] as usize) < space[d] {
                break;
            }
            index[d] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `rows` of `width`, `period` apart.
    fn band(first: i64, width: i64, period: i64, rows: i64) -> Band {
        Band {
            first,
            width,
            period,
            rows,
        }
    }

    fn columns(first: i64, width: i64) -> Band {
        band(first, width, 10, 4)
    }

    #[test]
    fn columns_that_fill_their_rows_are_a_range() {
        let mut bands = Vec::new();
        assert!(add(&mut bands, columns(3, 7)));
        assert!(add(&mut bands, columns(0, 3)));
        assert_eq!(bands, [Band::range(0, 40)]);
    }

    #[test]
    fn ranges_with_a_hole_stay_apart() {
        let mut bands = Vec::new();
        for first in [0, 20, 10, 50] {
            assert!(add(&mut bands, Band::range(first, 10)));
        }
        bands.sort_by_key(|b| b.first);
        assert_eq!(bands, [Band::range(0, 30), Band::range(50, 10)]);
        assert!(!add(&mut bands, Band::range(25, 10)), "in part there");
    }

    #[test]
    fn bands_are_joined_where_they_are_one() {
        let left = columns(0, 3);
        assert_eq!(left.joined(&columns(3, 4)), Some(columns(0, 7)));
        assert_eq!(left.joined(&columns(3, 7)), Some(Band::range(0, 40)));
        assert_eq!(left.joined(&columns(40, 3)), Some(band(0, 3, 10, 8)));
        for other in [
            columns(4, 3),
            band(3, 7, 10, 3),
            band(3, 4, 8, 4),
            columns(50, 3),
            columns(40, 4),
            band(40, 3, 8, 4),
            Band::range(3, 7),
        ] {
            assert_eq!(left.joined(&other), None, "{other:?}");
        }
    }

    #[test]
    fn a_band_holds_what_lies_in_its_columns() {
        let band = columns(2, 5);
        assert!(band.holds(&columns(3, 4)) && band.holds(&Band::range(12, 5)));
        assert!(!band.holds(&columns(3, 5)) && !band.holds(&Band::range(42, 5)));
        assert!(band.is_apart(&columns(7, 5)) && !band.is_apart(&columns(6, 2)));
        // Around the end of a row, in front of the first row, and with other distances.
        assert!(!columns(0, 3).is_apart(&columns(7, 5)));
        assert!(!columns(12, 5).holds(&Band::range(2, 5)));
        let other = Band {
            period: 7,
            ..columns(5, 1)
        };
        assert!(!columns(0, 3).is_apart(&other) && !columns(0, 9).holds(&other));
    }
}
