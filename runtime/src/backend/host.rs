//! Memory on the host: zeroed, aligned blocks of bytes.

use crate::error::{Error, Result};
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

/// The alignment of every region, and of every leaf in a packed one, in bytes: a multiple of any
/// vector's width and of what GPUs ask of sub-ranges.
pub(crate) const ALIGN: usize = 256;

/// A block of bytes that starts at a multiple of [`ALIGN`]; zeros at first.
#[derive(Debug)]
pub(crate) struct HostMemory {
    pointer: NonNull<u8>,
    bytes: usize,
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
        }
    }

    /// A block of `bytes` bytes; what it is for is told in the error.
    ///
    /// # Errors
    /// [`Error::OutOfMemory`].
    pub fn zeroed(what: &str, bytes: usize) -> Result<HostMemory> {
        if bytes == 0 {
            return Ok(HostMemory::empty());
        }
        let layout = Layout::from_size_align(bytes, ALIGN);
        let none = || Error::OutOfMemory {
            what: what.into(),
            bytes,
        };
        let layout = layout.map_err(|_| none())?;
        // SAFETY: the layout has more than zero bytes.
        let pointer = NonNull::new(unsafe { alloc_zeroed(layout) });
        let pointer = pointer.ok_or_else(none)?;
        Ok(HostMemory { pointer, bytes })
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
            && let Ok(layout) = Layout::from_size_align(self.bytes, ALIGN)
        {
            // SAFETY: allocated in `zeroed` with the same layout, which was valid there.
            unsafe { dealloc(self.pointer.as_ptr(), layout) }
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
        }
    }

    #[test]
    fn blocks_are_aligned_and_zero() {
        for bytes in [0, 1, 255, 256, 100_000] {
            let mut memory = HostMemory::zeroed("test", bytes).expect("little memory");
            assert_eq!(memory.base() as usize % ALIGN, 0);
            assert_eq!(memory.bytes(), vec![0; bytes]);
            memory.bytes_mut().fill(7);
            memory.ensure("test", bytes).expect("little memory");
            assert!(memory.bytes().iter().all(|b| *b == 7));
            memory.ensure("test", bytes + 1).expect("little memory");
            assert_eq!(memory.bytes(), vec![0; bytes + 1]);
        }
    }
}
