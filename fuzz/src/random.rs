//! Numbers from a seed, the same ones on every machine.

/// A small generator of numbers (SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number
/// generators", 2014). Seeds beside each other give unrelated numbers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    /// Any number of 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`; 0 where `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        // The upper half times `n`: the remainder's preference for small numbers is below 1e-9.
        let upper = u128::from(self.bits() >> 32);
        usize::try_from((upper * n as u128) >> 32).unwrap_or(0)
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    /// One of a list that is not empty.
    pub fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())].clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_below_and_reach_all() {
        let mut random = Random::new(0);
        let mut found = [0; 7];
        for _ in 0..700 {
            found[random.below(7)] += 1;
        }
        assert!(found.iter().all(|n| (50..150).contains(n)), "{found:?}");
        assert_eq!(random.below(0), 0);
    }
}
