//! Memory for machine code: writable while it is filled, executable afterwards, never both at once.

use memmap2::{Mmap, MmapMut};

/// Code being laid out.
pub(super) struct Draft {
    map: MmapMut,
    used: usize,
}

/// Finished code. Unmapped when dropped.
pub(super) struct Image {
    map: Mmap,
}

/// Functions start at multiples of this: a cache line.
const ALIGN: usize = 64;

impl Draft {
    /// Room for functions of these lengths.
    pub(super) fn new(lengths: impl Iterator<Item = usize>) -> std::io::Result<Draft> {
        let bytes: usize = lengths.map(|l| l.next_multiple_of(ALIGN)).sum();
        Ok(Draft {
            map: MmapMut::map_anon(bytes.max(ALIGN))?,
            used: 0,
        })
    }

    /// Places a function and returns its offset. There is room: `new` was told every length.
    pub(super) fn push(&mut self, code: &[u8]) -> usize {
        let at = self.used;
        self.map[at..at + code.len()].copy_from_slice(code);
        self.used = (at + code.len()).next_multiple_of(ALIGN);
        at
    }

    /// The address that the function at `offset` will run at.
    pub(super) fn address(&self, offset: usize) -> usize {
        self.map.as_ptr() as usize + offset
    }

    /// Makes the code executable and no longer writable.
    pub(super) fn finish(self) -> std::io::Result<Image> {
        let map = self.map.make_exec()?;
        synchronise(&map);
        Ok(Image { map })
    }
}

impl Image {
    /// The address of the function at `offset`.
    pub(super) fn address(&self, offset: usize) -> *const u8 {
        self.map[offset..].as_ptr()
    }

    /// Bytes of code, padding included.
    pub(super) fn len(&self) -> usize {
        self.map.len()
    }
}

/// Makes the instruction fetch see what was written as data. x86 does by itself.
#[cfg(not(target_arch = "aarch64"))]
fn synchronise(_map: &Mmap) {}

/// Makes the instruction fetch see what was written as data: clean to the point of unification,
/// invalidate, and wait (Arm ARM, B2.4.4).
#[cfg(target_arch = "aarch64")]
fn synchronise(map: &Mmap) {
    const LINE: usize = 4;
    let range = map.as_ptr_range();
    let mut at = range.start as usize;
    // SAFETY: cache maintenance by address on memory that the map owns; it changes no contents.
    unsafe {
        while at < range.end as usize {
            std::arch::asm!("dc cvau, {0}", in(reg) at, options(nostack, preserves_flags));
            at += LINE;
        }
        std::arch::asm!("dsb ish", options(nostack, preserves_flags));
        at = range.start as usize;
        while at < range.end as usize {
            std::arch::asm!("ic ivau, {0}", in(reg) at, options(nostack, preserves_flags));
            at += LINE;
        }
        std::arch::asm!("dsb ish", "isb", options(nostack, preserves_flags));
    }
}
