//! Affine functions of a space's index: `offset + sum(strides[d] * index[d])`.
//!
//! All index arithmetic of the scheduler is this; what no affine function expresses is either made
//! affine by splitting a dim of the space or stored by a kernel of its own.

/// An affine function. Trailing zero strides are trimmed, so equal functions compare equal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(crate) struct Affine {
    pub offset: i64,
    pub strides: Vec<i64>,
}

impl Affine {
    pub fn constant(offset: i64) -> Self {
        Affine {
            offset,
            strides: Vec::new(),
        }
    }

    /// The index of dim `d`.
    pub fn dim(d: usize) -> Self {
        let mut strides = vec![0; d + 1];
        strides[d] = 1;
        Affine { offset: 0, strides }
    }

    pub fn stride(&self, d: usize) -> i64 {
        self.strides.get(d).copied().unwrap_or(0)
    }

    fn trim(&mut self) {
        while self.strides.last() == Some(&0) {
            self.strides.pop();
        }
    }

    pub fn add_scaled(&mut self, other: &Affine, times: i64) {
        self.offset += other.offset * times;
        if self.strides.len() < other.strides.len() {
            self.strides.resize(other.strides.len(), 0);
        }
        for (s, o) in self.strides.iter_mut().zip(&other.strides) {
            *s += o * times;
        }
        self.trim();
    }

    pub fn plus(mut self, offset: i64) -> Self {
        self.offset += offset;
        self
    }

    pub fn scaled(&self, times: i64) -> Self {
        let mut out = Affine::default();
        out.add_scaled(self, times);
        out
    }

    /// Least and greatest value over a space whose extents are at least 1.
    pub fn range(&self, extents: &[usize]) -> (i64, i64) {
        let (mut low, mut high) = (self.offset, self.offset);
        for (d, stride) in self.strides.iter().enumerate() {
            let last = extents.get(d).map_or(0, |e| e.saturating_sub(1)) as i64;
            low += (stride * last).min(0);
            high += (stride * last).max(0);
        }
        (low, high)
    }

    /// The function over a space in which dim `d` became two, the second of extent `inner`.
    pub fn split(&self, d: usize, inner: usize) -> Self {
        let mut out = self.clone();
        if d < out.strides.len() {
            let s = out.strides[d];
            out.strides[d] = s * inner as i64;
            out.strides.insert(d + 1, s);
            out.trim();
        }
        out
    }
}

/// Row-major strides of a shape.
pub(crate) fn contiguous(shape: &[usize]) -> Vec<i64> {
    let mut strides = vec![1i64; shape.len()];
    for d in (1..shape.len()).rev() {
        strides[d - 1] = strides[d] * shape[d].max(1) as i64;
    }
    strides
}

/// Whether strides are the row-major ones of a shape; those of extents of 1 do not count.
pub(crate) fn is_contiguous(shape: &[usize], strides: &[i64]) -> bool {
    let plain = contiguous(shape);
    (0..shape.len()).all(|d| shape[d] <= 1 || plain[d] == strides[d])
}

/// The strides of the same elements in other dims, in row-major order too; none if there are no such strides.
pub(crate) fn in_other_dims(shape: &[usize], strides: &[i64], to: &[usize]) -> Option<Vec<i64>> {
    // Dims that lie as one are one.
    let mut whole: Vec<(usize, i64)> = Vec::new();
    for (extent, stride) in shape.iter().zip(strides).filter(|(e, _)| **e != 1) {
        match whole.last_mut() {
            Some((before, outer)) if *outer == stride * *extent as i64 => {
                (*before, *outer) = (*before * extent, *stride);
            }
            Some(_) | None => whole.push((*extent, *stride)),
        }
    }
    let mut out = vec![1; to.len()];
    let mut rest: Option<(usize, i64)> = None;
    for (d, extent) in to.iter().enumerate().rev().filter(|(_, e)| **e != 1) {
        let (within, stride) = match rest.take() {
            Some(rest) => rest,
            None => whole.pop()?,
        };
        if *extent == 0 || within % extent != 0 {
            return None;
        }
        out[d] = stride;
        rest = Some((within / extent, stride * *extent as i64)).filter(|(left, _)| *left > 1);
    }
    (rest.is_none() && whole.is_empty()).then_some(out)
}

/// The row-major position of an index.
pub(crate) fn linear(index: &[Affine], shape: &[usize]) -> Affine {
    let mut out = Affine::default();
    for (i, s) in index.iter().zip(contiguous(shape)) {
        out.add_scaled(i, s);
    }
    out
}

/// Why a position has no affine digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum NoDigits {
    /// It would, if this dim of the space were two, the second of this extent.
    Split { dim: usize, inner: usize },
    /// No split helps.
    None,
}

/// The index with the row-major position `position` in `shape`; extents of the space in `extents`.
///
/// From the last dim up: terms that are multiples of the extent go on, the others must stay below it.
pub(crate) fn digits(
    position: &Affine,
    shape: &[usize],
    extents: &[usize],
) -> Result<Vec<Affine>, NoDigits> {
    let mut out = vec![Affine::default(); shape.len()];
    let mut rest = position.clone();
    let first = shape.iter().position(|e| *e != 1).unwrap_or(0);
    for d in (0..shape.len()).rev() {
        let extent = shape[d] as i64;
        if extent == 1 {
            continue;
        }
        if d == first {
            out[d] = std::mem::take(&mut rest);
            continue;
        }
        let mut digit = Affine::constant(rest.offset.rem_euclid(extent));
        let mut quotient = Affine::constant(rest.offset.div_euclid(extent));
        for (s, stride) in rest.strides.iter().enumerate() {
            let (target, amount) = match stride % extent {
                0 => (&mut quotient, stride / extent),
                _ => (&mut digit, *stride),
            };
            target.add_scaled(&Affine::dim(s), amount);
        }
        let (low, high) = digit.range(extents);
        if low < 0 || high >= extent {
            for (s, stride) in digit.strides.iter().enumerate() {
                let space = extents.get(s).copied().unwrap_or(1) as i64;
                if *stride > 0 && extent % stride == 0 {
                    let inner = extent / stride;
                    if inner > 1 && inner < space && space % inner == 0 {
                        return Err(NoDigits::Split {
                            dim: s,
                            inner: inner as usize,
                        });
                    }
                }
            }
            return Err(NoDigits::None);
        }
        out[d] = digit;
        rest = quotient;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_undo_linear() {
        let shape = [3, 1, 4, 5];
        let index: Vec<Affine> = vec![
            Affine::dim(0),
            Affine::default(),
            Affine::dim(1),
            Affine::dim(2),
        ];
        let position = linear(&index, &shape);
        assert_eq!(digits(&position, &shape, &[3, 4, 5]), Ok(index));
    }

    #[test]
    fn other_dims_of_ranges_have_strides_where_dims_are_cut_and_none_where_they_are_joined() {
        assert_eq!(
            in_other_dims(&[2, 6], &[30, 1], &[2, 1, 3, 2]),
            Some(vec![30, 1, 2, 1])
        );
        assert_eq!(
            in_other_dims(&[4, 6], &[30, 1], &[2, 2, 6]),
            Some(vec![60, 30, 1])
        );
        assert_eq!(in_other_dims(&[2, 6], &[6, 1], &[3, 4]), Some(vec![4, 1]));
        assert_eq!(
            in_other_dims(&[2, 1, 6], &[7, 9, 1], &[2, 6]),
            Some(vec![7, 1])
        );
        assert_eq!(in_other_dims(&[2, 6], &[30, 1], &[12]), None);
        assert_eq!(in_other_dims(&[2, 6], &[30, 1], &[3, 4]), None);
        assert_eq!(in_other_dims(&[6], &[2], &[]), None);
        assert_eq!(in_other_dims(&[], &[], &[1, 1]), Some(vec![1, 1]));
    }

    #[test]
    fn a_merged_dim_asks_for_a_split() {
        let position = Affine::dim(0);
        assert_eq!(
            digits(&position, &[4, 5], &[20]),
            Err(NoDigits::Split { dim: 0, inner: 5 })
        );
        assert_eq!(
            digits(&position.split(0, 5), &[4, 5], &[4, 5]),
            Ok(vec![Affine::dim(0), Affine::dim(1)])
        );
        assert_eq!(digits(&position, &[4, 5], &[18]), Err(NoDigits::None));
    }
}
