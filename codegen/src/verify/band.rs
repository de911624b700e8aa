//! Sets of elements as bands: ranges, and columns of rows.

use crate::kernel::{Access, Touch};

/// `rows` ranges of `width` elements, `period` apart; one range where `rows` is 1.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Band {
    pub first: i64,
    pub width: i64,
    pub period: i64,
    pub rows: i64,
}

impl Band {
    pub fn range(first: i64, width: i64) -> Band {
        Band {
            first,
            width,
            period: width,
            rows: 1,
        }
    }

    /// The elements of an injective access without guards; none where they are no band.
    pub fn covered_by(touch: &Touch, access: &Access) -> Option<Band> {
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
    pub fn end(&self) -> i64 {
        self.first + (self.rows - 1) * self.period + self.width
    }

    /// Whether it holds all of another.
    pub fn holds(&self, other: &Band) -> bool {
        if self.rows == 1 {
            return self.first <= other.first && other.end() <= self.end();
        }
        let same = other.rows == 1 || other.period == self.period;
        let (row, column) = self.place(other.first);
        same && column + other.width <= self.width && row >= 0 && row + other.rows <= self.rows
    }

    /// Row and column of an element.
    pub fn place(&self, element: i64) -> (i64, i64) {
        let from = element - self.first;
        (from.div_euclid(self.period), from.rem_euclid(self.period))
    }

    /// Whether it has no element of another, as far as can be told.
    pub fn is_apart(&self, other: &Band) -> bool {
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
    pub fn joined(&self, other: &Band) -> Option<Band> {
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

    pub fn each(&self, f: &mut dyn FnMut(i64)) {
        for row in 0..self.rows {
            let first = self.first + row * self.period;
            (first..first + self.width).for_each(&mut *f);
        }
    }
}

/// Which bands a new one met: their indices, each when it was met.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Met {
    /// One that has all of it.
    Holder(usize),
    /// Those that it has all of, and those that it was joined with.
    Parts {
        replaced: Vec<usize>,
        joined: Vec<usize>,
    },
}

/// Adds a band to others; none where it has only some elements in common with one.
pub(super) fn add(bands: &mut Vec<Band>, mut band: Band) -> Option<Met> {
    if let Some(holder) = bands.iter().position(|b| b.holds(&band)) {
        return Some(Met::Holder(holder));
    }
    let mut replaced = Vec::new();
    for at in (0..bands.len()).rev() {
        if band.holds(&bands[at]) {
            bands.remove(at);
            replaced.push(at);
        }
    }
    if !bands.iter().all(|b| b.is_apart(&band)) {
        return None;
    }
    let mut joined = Vec::new();
    while let Some((at, both)) = bands
        .iter()
        .enumerate()
        .find_map(|(i, b)| Some((i, b.joined(&band)?)))
    {
        bands.swap_remove(at);
        joined.push(at);
        band = both;
    }
    bands.push(band);
    Some(Met::Parts { replaced, joined })
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
        let met = |replaced: &[usize], joined: &[usize]| {
            Some(Met::Parts {
                replaced: replaced.to_vec(),
                joined: joined.to_vec(),
            })
        };
        assert_eq!(add(&mut bands, columns(3, 7)), met(&[], &[]));
        assert_eq!(add(&mut bands, columns(0, 3)), met(&[], &[0]));
        assert_eq!(bands, [Band::range(0, 40)]);
    }

    #[test]
    fn ranges_with_a_hole_stay_apart() {
        let mut bands = Vec::new();
        for first in [0, 20, 10, 50] {
            assert!(add(&mut bands, Band::range(first, 10)).is_some());
        }
        bands.sort_by_key(|b| b.first);
        assert_eq!(bands, [Band::range(0, 30), Band::range(50, 10)]);
        assert_eq!(add(&mut bands, Band::range(25, 10)), None, "in part there");
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
