//! Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers:
//! as easy as 1, 2, 3", SC 2011).
//!
//! A number depends on (seed, stream, index) alone, so the same parameters come out on every
//! platform, for any order of initialisation. Logarithm and cosine come from `libm`, not from the
//! system, for the same reason.

/// A stream of random numbers, addressed by index.
#[derive(Debug, Clone, Copy)]
pub struct Stream {
    key: [u32; 2],
    stream: [u32; 2],
}

const fn halves(word: u64) -> [u32; 2] {
    [word as u32, (word >> 32) as u32]
}

/// FNV-1a, 64 bits: names of leaves to stream numbers.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// One block of Philox4x32 with 10 rounds.
fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let [l0, h0] = halves(u64::from(counter[0]) * 0xD251_1F53);
        let [l1, h1] = halves(u64::from(counter[2]) * 0xCD9E_8D57);
        counter = [h1 ^ counter[1] ^ key[0], l1, h0 ^ counter[3] ^ key[1], l0];
        key = [
            key[0].wrapping_add(0x9E37_79B9),
            key[1].wrapping_add(0xBB67_AE85),
        ];
    }
    counter
}

impl Stream {
    /// The stream called `name` under `seed`.
    pub fn new(seed: u64, name: &str) -> Self {
        Stream {
            key: halves(seed),
            stream: halves(fnv1a(name)),
        }
    }

    /// Two independent numbers in [0, 1) with 53 random bits each.
    fn pair(&self, index: u64) -> [f64; 2] {
        let [low, high] = halves(index);
        let b = philox([low, high, self.stream[0], self.stream[1]], self.key);
        let unit = |high: u32, low: u32| {
            let bits = (u64::from(high >> 5) << 26) | u64::from(low >> 6);
            bits as f64 / (1u64 << 53) as f64
        };
        [unit(b[0], b[1]), unit(b[2], b[3])]
    }

    /// Number `index` of the uniform distribution on [0, 1).
    pub fn uniform(&self, index: u64) -> f64 {
        self.pair(index)[0]
    }

    /// Number `index` of the standard normal distribution (Box and Muller, 1958).
    pub fn normal(&self, index: u64) -> f64 {
        let [u, v] = self.pair(index);
        libm::sqrt(-2.0 * libm::log(1.0 - u)) * libm::cos(std::f64::consts::TAU * v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The known answers that Random123 publishes for philox4x32_R(10).
    #[test]
    fn philox_known_answers() {
        let zeros = philox([0; 4], [0; 2]);
        assert_eq!(zeros, [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        let ones = philox([u32::MAX; 4], [u32::MAX; 2]);
        assert_eq!(ones, [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
    }

    #[test]
    fn moments() {
        let (n, stream) = (100_000u64, Stream::new(7, "w"));
        let moments = |draw: &dyn Fn(u64) -> f64| {
            let mean = (0..n).map(draw).sum::<f64>() / n as f64;
            let variance = (0..n).map(|i| (draw(i) - mean).powi(2)).sum::<f64>() / n as f64;
            (mean, variance)
        };
        // Five standard errors of each estimate.
        let (mean, variance) = moments(&|i| stream.uniform(i));
        assert!((mean - 0.5).abs() < 0.0046 && (variance - 1.0 / 12.0).abs() < 0.0012);
        let (mean, variance) = moments(&|i| stream.normal(i));
        assert!(mean.abs() < 0.016 && (variance - 1.0).abs() < 0.023);
    }

    #[test]
    fn streams_differ() {
        let draw = |seed, name| Stream::new(seed, name).uniform(3);
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
    }
}
