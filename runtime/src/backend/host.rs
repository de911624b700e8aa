//! Memory on the host: zeroed, aligned blocks of bytes.

use crate::error::{Error, Result};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;
use std::sync::OnceLock;

/// The alignment of every region, and of every leaf in a packed one, in bytes: a multiple of any
/// vector's width and of what GPUs ask of sub-ranges.
pub(crate) const ALIGN: usize = 256;

/// Whether so many bytes are more than the machine has. Systems that promise any memory promise these
/// too, and end the process that uses them.
fn is_past_machine(bytes: usize) -> bool {
    /// As much is asked for without a look.
    const SMALL: usize = 1 << 28;
    /// What the machine has, where it can be told.
    static HAS: OnceLock<Option<usize>> = OnceLock::new();
    bytes > SMALL
        && HAS
            .get_or_init(machine_bytes)
            .is_some_and(|has| bytes > has)
}

/// Bytes of memory and of what it is swapped to, as Linux tells them.
fn machine_bytes() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let kilobytes = |name: &str| -> Option<usize> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    };
    let all = kilobytes("MemTotal:")?.checked_add(kilobytes("SwapTotal:")?)?;
    all.checked_mul(1024)
}

/// An empty vector with room for `count` elements; what they are for is told in the error.
///
/// # Errors
/// [`Error::OutOfMemory`].
pub(crate) fn room<T>(what: &str, count: usize) -> Result<Vec<T>> {
    let mut vector = Vec::new();
    let bytes = count.saturating_mul(size_of::<T>());
    match is_past_machine(bytes) || vector.try_reserve_exact(count).is_err() {
        false => Ok(vector),
        true => Err(Error::OutOfMemory {
            what: what.into(),
            bytes,
        }),
    }
}

/// A block of bytes that starts at a multiple of [`ALIGN`]; zeros at first.
#[derive(Debug)]
pub(crate) struct HostMemory {
    pointer: NonNull<u8>,
    bytes: usize,
    /// Bytes before the first that only align it.
    skipped: usize,
}

// SAFETY: a block of plain bytes that nothing else points to.
unsafe impl Send for HostMemory {}
// SAFETY: shared references only read it; writes through `pointer` need `&mut self`.
unsafe impl Sync for HostMemory {}

impl HostMemory {
    /// A block of no bytes.
    pub fn empty() -> HostMemory {
        HostMemory {
            pointer: NonNull::<Aligned>::dangling().cast(),
            bytes: 0,
            skipped: 0,
        }
    }

    /// What is allocated for a block of `bytes`. Its start is aligned here: of a system's allocator only
    /// blocks of usual alignment are zeros that no memory stands behind yet, others are written at once.
    fn layout(bytes: usize) -> Option<Layout> {
        Layout::from_size_align(bytes.checked_add(ALIGN)?, 16).ok()
    }

    /// A block of `bytes` bytes; what it is for is told in the error.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn zeroed(what: &str, bytes: usize) -> Result<HostMemory> {
        if bytes == 0 {
            return Ok(HostMemory::empty());
        }
        let none = || Error::OutOfMemory {
            what: what.into(),
            bytes,
        };
        if is_past_machine(bytes) {
            return Err(none());
        }
        let layout = HostMemory::layout(bytes).ok_or_else(none)?;
        // SAFETY: the layout has more than zero bytes.
        let start = NonNull::new(unsafe { alloc_zeroed(layout) });
        let start = start.ok_or_else(none)?;
        let skipped = start.addr().get().next_multiple_of(ALIGN) - start.addr().get();
        Ok(HostMemory {
            // SAFETY: fewer than `ALIGN` bytes are skipped of `bytes + ALIGN`.
            pointer: unsafe { start.add(skipped) },
            bytes,
            skipped,
        })
    }

    /// Has memory stand behind all of it, by writing what is there: for what is read before it is written.
    ///
    /// A page that was only read is one that all share, and the first write of it changes an address that other threads
    /// may have kept: each of them is interrupted for it. Of a step on two threads that writes 200 MB of the
    /// optimizer's states for the first time, that was the larger part.
    pub fn touch(&mut self) {
        /// No page is smaller.
        const PAGE: usize = 4096;
        for byte in self.bytes_mut().iter_mut().step_by(PAGE) {
            // Else the compiler sees that nothing changes, and leaves it out.
            *byte = std::hint::black_box(*byte);
        }
    }

    /// Its size.
    pub fn len(&self) -> usize {
        self.bytes
    }

    /// Its first byte, for compiled code.
    pub fn base(&mut self) -> *mut u8 {
        self.pointer.as_ptr()
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: `bytes` initialised bytes start at `pointer`, or none at a dangling one.
        unsafe { std::slice::from_raw_parts(self.pointer.as_ptr(), self.bytes) }
    }

    /// Its bytes, to change.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and the block is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.pointer.as_ptr(), self.bytes) }
    }

    /// Grows to at least `bytes`; what was in it is lost then.
    ///
    /// The old block goes first: two of them may be more than there is.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`]; the block is then empty.
    pub fn ensure(&mut self, what: &str, bytes: usize) -> Result<()> {
        if self.bytes < bytes {
            *self = HostMemory::empty();
            *self = HostMemory::zeroed(what, bytes)?;
        }
        Ok(())
    }
}

impl Drop for HostMemory {
    fn drop(&mut self) {
        if self.bytes > 0
            && let Some(layout) = HostMemory::layout(self.bytes)
        {
            // SAFETY: the start of what was allocated in `zeroed` with the same layout, which was valid
            // there.
            unsafe { dealloc(self.pointer.sub(self.skipped).as_ptr(), layout) }
        }
    }
}

/// Only its alignment is of use: that of a block of no bytes.
#[repr(align(256))]
struct Aligned;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_much_is_an_error() {
        for bytes in [usize::MAX, isize::MAX.unsigned_abs() - 4096] {
            let error = HostMemory::zeroed("params", bytes).expect_err("no machine has that");
            let expected = format!("no memory for params: {bytes} bytes");
            assert_eq!(error.to_string(), expected);
            let error = room::<u8>("params", bytes).expect_err("no machine has that");
            assert_eq!(error.to_string(), expected);
        }
    }

    /// A quarter of the machine's memory, which writing to would take a while.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_block_takes_no_memory_before_it_is_used() {
        let resident = || -> usize {
            let text = std::fs::read_to_string("/proc/self/statm").expect("Linux");
            let pages = text.split_whitespace().nth(1).expect("resident pages");
            4096 * pages.parse::<usize>().expect("a number")
        };
        let bytes = machine_bytes().expect("Linux") / 4;
        let before = resident();
        let memory = HostMemory::zeroed("test", bytes).expect("as much");
        assert!(resident() < before + bytes / 2, "{bytes} bytes are written");
        assert_eq!(memory.bytes()[bytes - 1], 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn more_than_the_machine_has_is_an_error() {
        let bytes = machine_bytes().expect("Linux") + 1;
        assert!(HostMemory::zeroed("test", bytes).is_err());
        assert!(room::<u8>("test", bytes).is_err());
        assert!(room::<f64>("test", bytes / 8 + 1).is_err());
    }

    #[test]
    fn blocks_are_aligned_and_zero() {
        for bytes in [0, 1, 255, 256, 100_000] {
            let mut memory = HostMemory::zeroed("test", bytes).expect("little memory");
            assert_eq!(memory.base() as usize % ALIGN, 0);
            assert_eq!(memory.bytes(), vec![0; bytes]);
            memory.bytes_mut().fill(7);
            memory.touch();
            memory.ensure("test", bytes).expect("little memory");
            assert!(memory.bytes().iter().all(|b| *b == 7));
            memory.ensure("test", bytes + 1).expect("little memory");
            assert_eq!(memory.bytes(), vec![0; bytes + 1]);
        }
    }
}
