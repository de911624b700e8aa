//! Places along the dims of an iteration space, and what is known of them when code is written.

use cranelift_codegen::ir::Value;

use super::lanes::Lanes;
use crate::kernel::Guard;

/// A place along one dim of the iteration space: a loop's counter plus a constant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Index {
    /// The counter, an i64; none where the loop was not needed.
    pub base: Option<Value>,
    /// The constant.
    pub add: i64,
    /// What the counter may be.
    counts: Span,
}

/// The least and the greatest of some integers; none where nothing is known of them.
pub(super) type Span = Option<[i64; 2]>;

impl Index {
    /// A known place.
    pub(super) fn at(add: i64) -> Index {
        Index {
            base: None,
            add,
            counts: Some([0, 0]),
        }
    }

    /// The place that a counter says, which stays within a span.
    pub(super) fn counter(base: Value, counts: Span) -> Index {
        Index {
            base: Some(base),
            add: 0,
            counts,
        }
    }

    /// `steps` further on.
    pub(super) fn plus(self, steps: i64) -> Index {
        Index {
            add: self.add + steps,
            ..self
        }
    }

    /// Where it may be.
    pub(super) fn span(self) -> Span {
        sum(self.counts, Some([self.add, self.add]))
    }
}

/// What sums of two may be.
pub(super) fn sum(a: Span, b: Span) -> Span {
    let ([a, b], [c, d]) = (a?, b?);
    Some([a.checked_add(c)?, b.checked_add(d)?])
}

/// What a multiple may be.
fn times(a: Span, factor: i64) -> Span {
    if factor == 0 {
        return Some([0, 0]);
    }
    let [a, b] = a?;
    let ends = [a.checked_mul(factor)?, b.checked_mul(factor)?];
    Some([ends[0].min(ends[1]), ends[0].max(ends[1])])
}

/// What `offset + sum(strides[d] * index[d])` may be, in any of the active lanes.
pub(super) fn affine_span(offset: i64, strides: &[i64], index: &[Index], lanes: Lanes) -> Span {
    let mut span = Some([offset, offset]);
    for (d, (i, stride)) in index.iter().zip(strides).enumerate() {
        let mut here = i.span();
        if lanes.count > 1 && d == lanes.dim {
            here = sum(here, Some([0, lanes.active as i64 - 1]));
        }
        span = sum(span, times(here, *stride));
    }
    span
}

/// Whether a guard holds, where that is known.
pub(super) fn certain(guard: &Guard, index: &[Index], lanes: Lanes) -> Option<bool> {
    let [least, greatest] = affine_span(guard.offset, &guard.strides, index, lanes)?;
    if least >= 0 && greatest < guard.extent {
        return Some(true);
    }
    (greatest < 0 || least >= guard.extent).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guard_is_certain_where_its_loops_are_short() {
        let guard = Guard {
            offset: -2,
            strides: vec![0, 1, -1],
            extent: 8,
        };
        let value = Value::from_u32(0);
        let at = |low, high, r: [i64; 2]| {
            let row = Index::counter(value, Some([low, high]));
            let index = [Index::at(0), row, Index::counter(value, Some(r))];
            certain(&guard, &index, Lanes::ONE)
        };
        assert_eq!(at(3, 9, [0, 1]), Some(true));
        assert_eq!(at(2, 9, [0, 1]), None);
        assert_eq!(at(2, 9, [0, 0]), Some(true));
        assert_eq!(at(0, 1, [0, 1]), Some(false));
        assert_eq!(at(11, 20, [0, 1]), Some(false));
        let unknown = [Index::at(0), Index::counter(value, None), Index::at(0)];
        assert_eq!(certain(&guard, &unknown, Lanes::ONE), None);
    }
}
