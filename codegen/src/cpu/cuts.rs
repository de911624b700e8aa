//! Where the loops of a nest are cut, so that in each part it is known whether guards and comparisons of
//! indices hold: code for a part has none of them.

use sinew_ir::Scalar;

use crate::kernel::{Code, Guard, Nest, Reg, ScalarKind};

/// The most parts of a nest's space that code is written for.
const MOST_PARTS: usize = 12;
/// The most instructions of all parts together.
const MOST_INSTRUCTIONS: usize = 800;

/// For each dim of a nest's space the places, in order, where its loop is cut; `first` is the dim that gains
/// the most, that of the lanes.
pub(super) fn cuts(nest: &Nest, first: Option<usize>) -> Vec<Vec<i64>> {
    let space = [&nest.outer[..], &nest.inner].concat();
    let mut bounds = Vec::new();
    let mut instructions = 0;
    for stage in &nest.stages {
        let code = stage.code();
        instructions += code.insts.len();
        add_bounds(code, &mut bounds);
    }
    let mut cuts = vec![Vec::new(); space.len()];
    let inwards = (0..space.len()).rev().filter(|d| Some(*d) != first);
    let mut parts = 1;
    for dim in first.into_iter().chain(inwards) {
        let mut places: Vec<i64> = (bounds.iter())
            .flat_map(|bound| bound.cuts(dim, &space))
            .filter(|place| 0 < *place && *place < space[dim] as i64)
            .collect();
        places.sort_unstable();
        places.dedup();
        let more = parts * (places.len() + 1);
        if more <= MOST_PARTS && more * instructions <= MOST_INSTRUCTIONS {
            parts = more;
            cuts[dim] = places;
        }
    }
    cuts
}

/// `0 <= offset + sum(strides[d] * index[d]) < extent` is asked for.
struct Bound {
    offset: i64,
    strides: Vec<i64>,
    extent: i64,
}

impl Bound {
    /// Where, along a dim, it begins to hold or no longer to hold, for all indices of the other dims or for
    /// the first of them.
    fn cuts(&self, dim: usize, space: &[usize]) -> Vec<i64> {
        let stride = self.strides.get(dim).copied().unwrap_or(0);
        if stride == 0 {
            return Vec::new();
        }
        let (mut least, mut greatest) = (self.offset, self.offset);
        for (d, (s, extent)) in self.strides.iter().zip(space).enumerate() {
            let reach = s.saturating_mul(*extent as i64 - 1);
            if d != dim {
                least = least.saturating_add(reach.min(0));
                greatest = greatest.saturating_add(reach.max(0));
            }
        }
        let ends = [
            least.saturating_neg(),
            greatest.saturating_neg(),
            self.extent.saturating_sub(least),
            self.extent.saturating_sub(greatest),
        ];
        // The first index at which `stride * index` reaches an end, or has passed it. Remainders are not
        // negative, so that quotients by negative strides are rounded up.
        let inexact = |end: i64| i64::from(end.rem_euclid(stride) != 0);
        let at = |end: i64| match stride > 0 {
            true => end.div_euclid(stride) + inexact(end),
            false => end.div_euclid(stride) - inexact(end) + 1,
        };
        ends.into_iter().map(at).collect()
    }
}

impl From<&Guard> for Bound {
    fn from(guard: &Guard) -> Bound {
        Bound {
            offset: guard.offset,
            strides: guard.strides.clone(),
            extent: guard.extent,
        }
    }
}

/// Adds what a code asks of its index: guards, and comparisons with constants.
fn add_bounds(code: &Code, out: &mut Vec<Bound>) {
    let kind = |r: Reg| code.insts.get(r.0 as usize).map(|inst| &inst.kind);
    for inst in &code.insts {
        match &inst.kind {
            ScalarKind::Load(access) | ScalarKind::Gather { access, .. } => {
                out.extend(access.guards.iter().map(Bound::from));
            }
            ScalarKind::Apply(Scalar::Compare(_), operands) => {
                let &[a, b] = &operands[..] else { continue };
                for (index, number) in [(a, b), (b, a)] {
                    if let (
                        Some(ScalarKind::Index { offset, strides }),
                        Some(ScalarKind::Const(number)),
                    ) = (kind(index), kind(number))
                    {
                        // What is below the number, what is it, and what is above.
                        let number = *number as i64;
                        out.push(Bound {
                            offset: offset.saturating_sub(number),
                            strides: strides.clone(),
                            extent: 1,
                        });
                    }
                }
            }
            ScalarKind::Const(_)
            | ScalarKind::Index { .. }
            | ScalarKind::Row(_)
            | ScalarKind::Element(_)
            | ScalarKind::Accumulator
            | ScalarKind::Apply(..) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_told_where_they_begin_and_end() {
        let bound = |offset, strides: &[i64], extent| Bound {
            offset,
            strides: strides.to_vec(),
            extent,
        };
        // -128 + j in 0..128 holds from 128 on, and no more from 256 on.
        let cuts = bound(-128, &[0, 1], 128).cuts(1, &[32, 512]);
        assert_eq!(cuts, [128, 128, 256, 256]);
        // j - r in 0..23: for both r from 1 to 22, for one of them at 0 and at 23.
        let mut cuts = bound(0, &[1, -1], 23).cuts(0, &[24, 2]);
        cuts.sort_unstable();
        assert_eq!(cuts, [0, 1, 23, 24]);
        // 3 - 2 j in 0..4 holds at 0 and 1.
        let mut cuts = bound(3, &[-2], 4).cuts(0, &[9]);
        cuts.sort_unstable();
        cuts.dedup();
        assert_eq!(cuts, [0, 2]);
        assert!(bound(3, &[0], 4).cuts(0, &[9]).is_empty());
    }
}
