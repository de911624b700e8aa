//! The memory plan: places in one region, the arena or memory of a turn, for values with known lifetimes.
//!
//! Greatest first, each at the lowest place that no value alive at the same time has. Sizes are known
//! before the first step, so a step allocates nothing.

use sinew_ir::MAX_BYTES;

/// Every place is a multiple of this many bytes.
pub const ALIGNMENT: usize = 256;

/// A value to be placed: alive from kernel `first` to kernel `last`, both included.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lifetime {
    /// Its size.
    pub bytes: usize,
    /// The kernel that writes it first.
    pub first: usize,
    /// The last kernel that touches it.
    pub last: usize,
}

/// No place below [`MAX_BYTES`] is left for a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Full {
    /// Which of the values.
    pub value: usize,
}

/// The offset of each value, in the order given, and the bytes of the whole region.
///
/// # Errors
///
/// [`Full`] where values that are alive together have more bytes than memory can have.
pub fn plan(values: &[Lifetime]) -> Result<(Vec<usize>, usize), Full> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|i| (std::cmp::Reverse(values[*i].bytes), values[*i].first, *i));
    let mut offsets = vec![0; values.len()];
    let mut placed: Vec<usize> = Vec::new();
    let mut total = 0;
    for i in order {
        let v = values[i];
        let mut taken: Vec<(usize, usize)> = placed
            .iter()
            .filter(|j| values[**j].first <= v.last && v.first <= values[**j].last)
            .map(|j| (offsets[*j], offsets[*j] + values[*j].bytes))
            .collect();
        taken.sort_unstable();
        let mut at = 0_usize;
        for (start, end) in taken {
            if at.saturating_add(v.bytes) <= start {
                break;
            }
            at = at.max(end.next_multiple_of(ALIGNMENT));
        }
        let end = at.checked_add(v.bytes).filter(|end| *end <= MAX_BYTES);
        let end = end.ok_or(Full { value: i })?;
        offsets[i] = at;
        total = total.max(end);
        placed.push(i);
    }
    Ok((offsets, total.next_multiple_of(ALIGNMENT)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_alive_together_never_overlap_and_dead_ones_are_reused() {
        let life = |bytes, first, last| Lifetime { bytes, first, last };
        let values = [
            life(1000, 0, 1),
            life(400, 1, 2),
            life(1000, 2, 3),
            life(4, 0, 3),
        ];
        let (offsets, total) = plan(&values).expect("they fit");
        for (i, a) in values.iter().enumerate() {
            assert!(offsets[i].is_multiple_of(ALIGNMENT));
            for (j, b) in values.iter().enumerate().take(i) {
                let together = a.first <= b.last && b.first <= a.last;
                let apart =
                    offsets[i] + a.bytes <= offsets[j] || offsets[j] + b.bytes <= offsets[i];
                assert!(!together || apart, "{i} and {j}");
            }
        }
        assert_eq!(offsets[0], offsets[2]);
        assert_eq!(total, 1024 + 512 + 256);
    }

    #[test]
    fn values_that_no_memory_holds_are_refused() {
        let life = |bytes, first, last| Lifetime { bytes, first, last };
        for most in [MAX_BYTES, usize::MAX] {
            let together = [life(512, 0, 1), life(most, 0, 1)];
            let full = plan(&together).expect_err("it is more than there can be");
            assert!(full.value < 2);
        }
        let apart = [life(512, 0, 0), life(MAX_BYTES, 1, 1)];
        assert_eq!(plan(&apart), Ok((vec![0, 0], MAX_BYTES)));
    }
}
