//! Orders of rows: permutations that follow from a seed and an epoch, the same on every machine.
//!
//! Fisher and Yates' shuffle, drawing from SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
//! generators", 2014). All arithmetic is on 64 bits, whatever the width of addresses.

/// The order of `rows` rows in an epoch: each of `0..rows` once, as seed and epoch say.
///
/// ```
/// use sinew_data::order;
///
/// let first = order(5, 42, 0);
/// assert_eq!(first, order(5, 42, 0));
/// assert_ne!(order(100, 42, 0), order(100, 42, 1));
/// let mut sorted = first;
/// sorted.sort();
/// assert_eq!(sorted, [0, 1, 2, 3, 4]);
/// ```
pub fn order(rows: usize, seed: u64, epoch: u64) -> Vec<usize> {
    // The seed is mixed before the epoch is added: neighbouring pairs share no stretch of the stream.
    let mut random = SplitMix(SplitMix(seed).next().wrapping_add(epoch));
    let mut random = SplitMix(random.next());
    let mut order: Vec<usize> = (0..rows).collect();
    for last in (1..rows).rev() {
        order.swap(last, random.below(last as u64 + 1) as usize);
    }
    order
}

struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// One of `0..count`, each equally likely (Lemire: "Fast random integer generation in an interval", 2019).
    fn below(&mut self, count: u64) -> u64 {
        // Draws whose low half lies below 2^64 mod count would make some numbers likelier than others.
        let unfair = count.wrapping_neg() % count.max(1);
        loop {
            let product = u128::from(self.next()) * u128::from(count);
            if product as u64 >= unfair {
                return (product >> 64) as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of SplitMix64 from state 1234567, of its authors' C program.
    #[test]
    fn the_stream_is_splitmix() {
        let mut random = SplitMix(1_234_567);
        let expected = [
            6457827717110365317,
            3203168211198807973,
            9817491932198370423,
            4593380528125082431,
            16408922859458223821,
        ];
        assert_eq!(expected, std::array::from_fn(|_| random.next()));
    }

    /// 24 orders of 4 rows: each comes about 1000 times in 24,000 epochs. A standard deviation is 31.
    #[test]
    fn orders_are_equally_likely() {
        let mut counts = std::collections::HashMap::new();
        for epoch in 0..24_000 {
            *counts.entry(order(4, 9, epoch)).or_insert(0) += 1;
        }
        assert_eq!(counts.len(), 24);
        assert!(
            counts.values().all(|n| (850..1150).contains(n)),
            "{counts:?}"
        );
    }
}
