//! Threefry-2x32 with 20 rounds: two words that look random, as a function of a key and a counter.
//!
//! Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). It adds, rotates
//! and xors 32-bit words, so it is the same on every device; and for one key no two counters have the same
//! two words. It is written once, over [`Words`]: of numbers for the host, of tensors in
//! [`crate::ops`].

/// By how much each round rotates; the list starts again behind its end.
const ROTATIONS: [u32; 8] = [13, 15, 26, 6, 17, 29, 16, 24];

/// What the words of a key are completed with: a key of zeros would change nothing.
const PARITY: u32 = 0x1bd1_1bda;

/// How many rounds there are; 13 pass all tests of the authors, and 20 are what they advise.
const ROUNDS: u32 = 20;

/// What computes with words.
pub(crate) trait Words {
    /// One word, or a tensor of words.
    type Word: Copy;
    /// Why it cannot.
    type Error;

    /// `x + y`, of which the low 32 bits stay.
    fn add(&mut self, x: Self::Word, y: Self::Word) -> Result<Self::Word, Self::Error>;
    /// `x + number`, likewise.
    fn add_number(&mut self, x: Self::Word, number: u32) -> Result<Self::Word, Self::Error>;
    /// The bits that one of both has.
    fn xor(&mut self, x: Self::Word, y: Self::Word) -> Result<Self::Word, Self::Error>;
    /// The bits that `x` or the number has, and not both.
    fn xor_number(&mut self, x: Self::Word, number: u32) -> Result<Self::Word, Self::Error>;
    /// The bits moved up, those that leave coming in below.
    fn rotate(&mut self, x: Self::Word, by: u32) -> Result<Self::Word, Self::Error>;
}

/// The two words of a counter under a key.
pub(crate) fn words<W: Words>(
    w: &mut W,
    key: [W::Word; 2],
    counter: [W::Word; 2],
) -> Result<[W::Word; 2], W::Error> {
    let both = w.xor(key[0], key[1])?;
    let keys = [key[0], key[1], w.xor_number(both, PARITY)?];
    let mut x = w.add(counter[0], keys[0])?;
    let mut y = w.add(counter[1], keys[1])?;
    for round in 0..ROUNDS {
        x = w.add(x, y)?;
        y = w.rotate(y, ROTATIONS[round as usize % ROTATIONS.len()])?;
        y = w.xor(y, x)?;
        if round % 4 == 3 {
            let turn = round / 4 + 1;
            let of = |i: u32| keys[i as usize % keys.len()];
            x = w.add(x, of(turn))?;
            let next = w.add_number(of(turn + 1), turn)?;
            y = w.add(y, next)?;
        }
    }
    Ok([x, y])
}

/// Numbers of the host.
struct Host;

impl Words for Host {
    type Word = u32;
    type Error = std::convert::Infallible;

    fn add(&mut self, x: u32, y: u32) -> Result<u32, Self::Error> {
        Ok(x.wrapping_add(y))
    }

    fn add_number(&mut self, x: u32, number: u32) -> Result<u32, Self::Error> {
        self.add(x, number)
    }

    fn xor(&mut self, x: u32, y: u32) -> Result<u32, Self::Error> {
        Ok(x ^ y)
    }

    fn xor_number(&mut self, x: u32, number: u32) -> Result<u32, Self::Error> {
        self.xor(x, number)
    }

    fn rotate(&mut self, x: u32, by: u32) -> Result<u32, Self::Error> {
        Ok(x.rotate_left(by))
    }
}

/// The two words that Threefry-2x32 with 20 rounds makes of a counter under a key.
///
/// ```
/// // A vector that its authors published.
/// assert_eq!(sinew_ir::threefry([0, 0], [0, 0]), [0x6b20_0159, 0x99ba_4efe]);
/// ```
pub fn threefry(key: [u32; 2], counter: [u32; 2]) -> [u32; 2] {
    let Ok(made) = words(&mut Host, key, counter);
    made
}

/// A 64-bit number as two words, the low one first.
pub fn halves(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}
