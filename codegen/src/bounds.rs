//! Bounds of accesses: which elements an affine access reaches where its guards hold.
//!
//! Interval arithmetic, made sharp where padding needs it: guards bound single dims, and a guarded
//! value that stands in the index as a multiple is bounded by its guard. Never too narrow.

use crate::kernel::Access;

/// Least and greatest value over the space; `Some(None)` over an empty one; `None` on overflow.
pub(crate) fn interval(
    space: &[usize],
    offset: i64,
    strides: &[i64],
) -> Option<Option<(i64, i64)>> {
    if space.contains(&0) {
        return Some(None);
    }
    let (mut low, mut high) = (offset, offset);
    for (extent, stride) in space.iter().zip(strides) {
        let reach = stride.checked_mul(i64::try_from(extent - 1).ok()?)?;
        low = low.checked_add(reach.min(0))?;
        high = high.checked_add(reach.max(0))?;
    }
    Some(Some((low, high)))
}

/// Least and greatest value over a box of indices; `None` on overflow.
fn within(ranges: &[(i64, i64)], offset: i64, strides: &[i64]) -> Option<(i64, i64)> {
    let (mut low, mut high) = (offset, offset);
    for ((least, greatest), stride) in ranges.iter().zip(strides) {
        let (a, b) = (stride.checked_mul(*least)?, stride.checked_mul(*greatest)?);
        low = low.checked_add(a.min(b))?;
        high = high.checked_add(a.max(b))?;
    }
    Some((low, high))
}

/// The indices that the guards leave, dim by dim: what each guard says of a dim once all others are
/// anywhere in their ranges. `Some(None)`: none are left.
fn tightened(space: &[usize], access: &Access) -> Option<Option<Vec<(i64, i64)>>> {
    let dim = |extent: &usize| Some((0, i64::try_from(*extent).ok()? - 1));
    let mut ranges: Vec<(i64, i64)> = space.iter().map(dim).collect::<Option<_>>()?;
    if ranges.iter().any(|(l, h)| l > h) {
        return Some(None);
    }
    // What one guard says helps the next: two rounds see through a pad of a reshaped pad.
    for guard in access.guards.iter().chain(&access.guards) {
        let (low, high) = within(&ranges, guard.offset, &guard.strides)?;
        for (range, stride) in ranges.iter_mut().zip(&guard.strides) {
            if *stride == 0 {
                continue;
            }
            // The rest of the guard's value lies between these.
            let (a, b) = (stride.checked_mul(range.0)?, stride.checked_mul(range.1)?);
            let (rest_low, rest_high) = (low.checked_sub(a.min(b))?, high.checked_sub(a.max(b))?);
            let (from, to) = (
                0i64.checked_sub(rest_high)?,
                (guard.extent - 1).checked_sub(rest_low)?,
            );
            // from <= stride * index <= to
            let size = stride.checked_abs()?;
            let (from, to) = match *stride > 0 {
                true => (from, to),
                false => (to.checked_neg()?, from.checked_neg()?),
            };
            let least = -(-from).div_euclid(size);
            *range = (range.0.max(least), range.1.min(to.div_euclid(size)));
            if range.0 > range.1 {
                return Some(None);
            }
        }
    }
    Some(Some(ranges))
}

/// Least and greatest element an access reaches where its guards hold, in interval arithmetic.
///
/// A guarded value that appears in the index as a multiple is replaced by the guard's range; that is
/// exact for padding, where the guarded index times a stride is part of the element's index.
pub(crate) fn range(space: &[usize], access: &Access) -> Option<Option<(i64, i64)>> {
    for guard in &access.guards {
        if let Some((l, h)) = interval(space, guard.offset, &guard.strides)?
            && (h < 0 || l >= guard.extent)
        {
            return Some(None);
        }
    }
    let Some(ranges) = tightened(space, access)? else {
        return Some(None);
    };
    let (mut low, mut high) = within(&ranges, access.offset, &access.strides)?;
    // Guarded parts of the index replaced one after the other, beginning with each, and as the multiple
    // that each of their dims says: all of it holds.
    let firsts = 0..access.guards.len();
    for (first, choice) in firsts.flat_map(|f| (0..space.len()).map(move |c| (f, c))) {
        let (mut offset, mut strides) = (access.offset, access.strides.clone());
        let (mut extra_low, mut extra_high) = (0i64, 0i64);
        for guard in access.guards[first..].iter().chain(&access.guards[..first]) {
            let pairs = guard.strides.iter().zip(&strides);
            let multiples = pairs.filter(|(g, s)| **s != 0 && s.checked_rem(**g) == Some(0));
            let multiples: Vec<i64> = multiples.map(|(g, s)| s / g).collect();
            let Some(times) = multiples.get(choice % multiples.len().max(1)) else {
                continue;
            };
            offset = offset.checked_sub(times.checked_mul(guard.offset)?)?;
            for (s, g) in strides.iter_mut().zip(&guard.strides) {
                *s = s.checked_sub(times.checked_mul(*g)?)?;
            }
            let reach = times.checked_mul(guard.extent - 1)?;
            extra_low = extra_low.checked_add(reach.min(0))?;
            extra_high = extra_high.checked_add(reach.max(0))?;
            let (l, h) = within(&ranges, offset, &strides)?;
            low = low.max(l.checked_add(extra_low)?);
            high = high.min(h.checked_add(extra_high)?);
        }
    }
    Some((low <= high).then_some((low, high)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Guard, SlotId};

    fn access(offset: i64, strides: &[i64], guards: Vec<Guard>) -> Access {
        Access {
            slot: SlotId(0),
            offset,
            strides: strides.to_vec(),
            guards,
        }
    }

    #[test]
    fn a_guard_bounds_the_padded_index() {
        // x[i - 2, j] of a 3 by 4 buffer, i < 8, guarded.
        let guard = Guard {
            offset: -2,
            strides: vec![1, 0],
            extent: 3,
        };
        let padded = access(-8, &[4, 1], vec![guard]);
        assert_eq!(range(&[8, 4], &padded), Some(Some((0, 11))));
        assert_eq!(
            range(&[8, 4], &access(-8, &[4, 1], vec![])),
            Some(Some((-8, 23)))
        );
    }

    #[test]
    fn a_guard_stands_in_the_index_as_a_multiple_of_any_of_its_dims() {
        // Rows sheared by 2: x[r, i + 2 r - 4] of a 2 by 1 buffer, x[r, i + 2 r - 1] of a 2 by 2 one.
        let shear = |offset: i64, extent: i64| Guard {
            offset,
            strides: vec![2, 1],
            extent,
        };
        let moved = access(-4, &[3, 1], vec![shear(-4, 1)]);
        assert_eq!(range(&[2, 8], &moved), Some(Some((0, 1))));
        let moved = access(-1, &[4, 1], vec![shear(-1, 2)]);
        assert_eq!(range(&[2, 4], &moved), Some(Some((0, 3))));
    }

    #[test]
    fn guards_together_bound_what_neither_does_alone() {
        // A padded reshape of padded rows: 2 (i - 1) + 3 j + k - 2 with both guards.
        let outer = Guard {
            offset: -2,
            strides: vec![2, 1, 0],
            extent: 4,
        };
        let inner = Guard {
            offset: -2,
            strides: vec![0, 3, 1],
            extent: 2,
        };
        let padded = access(-4, &[2, 3, 1], vec![outer, inner]);
        assert_eq!(range(&[4, 2, 3], &padded), Some(Some((0, 3))));
    }
}
