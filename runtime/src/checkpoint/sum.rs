//! The checksum of a file: in its header, of all bytes but its own.

/// What the header calls it.
pub(crate) const KEY: &str = "sinew.crc32";

/// What stands for it before it is known.
pub(crate) const NONE: &str = "00000000";

/// Where its digits are, if the file has any.
fn place(bytes: &[u8]) -> Option<std::ops::Range<usize>> {
    let (length, rest) = bytes.split_first_chunk()?;
    let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
    let header = rest.get(..length)?;
    let before = format!("\"{KEY}\":\"");
    let at = header
        .windows(before.len())
        .position(|w| w == before.as_bytes())?;
    let start = 8 + at + before.len();
    let digits = start..start + NONE.len();
    (digits.end <= bytes.len()).then_some(digits)
}

/// The checksum of all bytes but these.
fn sum(bytes: &[u8], digits: &std::ops::Range<usize>) -> String {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&bytes[..digits.start]);
    hasher.update(&bytes[digits.end..]);
    format!("{:08x}", hasher.finalize())
}

/// Puts it where the header has a place for it.
pub(super) fn put(bytes: &mut [u8]) {
    if let Some(digits) = place(bytes) {
        let sum = sum(bytes, &digits);
        bytes[digits].copy_from_slice(sum.as_bytes());
    }
}

/// Whether a file has one, and it is another than that of its bytes.
pub(super) fn is_wrong(bytes: &[u8]) -> bool {
    place(bytes).is_some_and(|digits| bytes[digits.clone()] != *sum(bytes, &digits).as_bytes())
}

/// Whether a file has one.
pub(crate) fn is_there(bytes: &[u8]) -> bool {
    place(bytes).is_some()
}
