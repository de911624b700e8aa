//! Memory beside pages that may not be touched: who reads or writes one byte too many is stopped there and
//! then by the processor.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::ptr::{NonNull, null_mut};

/// Where memory lies between its two guarded pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// Its last byte is directly before one.
    BeforeGuard,
    /// Its first byte is directly behind one.
    BehindGuard,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Place::BeforeGuard => "before guarded pages",
            Place::BehindGuard => "behind guarded pages",
        })
    }
}

/// What stands in the rest of the pages that memory lies in.
const REST: u8 = 0x5A;

/// Bytes between two guarded pages.
pub struct Block {
    pages: Pages,
    /// The first byte, from the first one that may be touched.
    start: usize,
    length: usize,
}

impl Block {
    /// Memory that holds these bytes, its first one at a multiple of `alignment`. Before a guarded page it ends
    /// as near to that as the alignment lets it: of bytes that are no multiple of it some are between.
    pub fn new(bytes: &[u8], alignment: usize, place: Place) -> Block {
        let mut pages = Pages::new(bytes.len());
        let start = match place {
            Place::BehindGuard => 0,
            Place::BeforeGuard => {
                let start = pages.open - bytes.len();
                start - start % alignment
            }
        };
        let all = pages.bytes_mut();
        all.fill(REST);
        all[start..start + bytes.len()].copy_from_slice(bytes);
        Block {
            pages,
            start,
            length: bytes.len(),
        }
    }

    /// Its first byte.
    pub fn address(&self) -> *mut u8 {
        self.pages.first().wrapping_add(self.start)
    }

    /// What it holds.
    pub fn bytes(&self) -> &[u8] {
        &self.pages.bytes()[self.start..self.start + self.length]
    }

    /// Whether nobody wrote beside it in the pages that it lies in.
    pub fn is_clean_around(&self) -> bool {
        let (before, rest) = self.pages.bytes().split_at(self.start);
        let mut around = before.iter().chain(&rest[self.length..]);
        around.all(|b| *b == REST)
    }

    /// The addresses of its bytes.
    pub fn region(&self) -> Range<usize> {
        let start = self.address() as usize;
        start..start + self.length
    }

    /// Those with both guarded pages.
    pub fn mapping(&self) -> Range<usize> {
        let start = self.pages.start.as_ptr() as usize;
        start..start + self.pages.open + 2 * page()
    }
}

/// Pages with a guarded one on each side.
struct Pages {
    /// The guarded page in front.
    start: NonNull<u8>,
    /// Bytes that may be touched.
    open: usize,
}

thread_local! {
    /// Pages that nobody uses, for the next ones of their size: regions are small and many.
    static FREE: RefCell<Vec<Pages>> = const { RefCell::new(Vec::new()) };
}

/// Up to so many bytes pages are kept.
const SMALL: usize = 1 << 16;

impl Pages {
    fn new(bytes: usize) -> Pages {
        let open = bytes.next_multiple_of(page());
        let kept = FREE.with_borrow_mut(|free| {
            let at = free.iter().position(|p| p.open == open)?;
            Some(free.swap_remove(at))
        });
        kept.unwrap_or_else(|| Pages::map(open))
    }

    fn map(open: usize) -> Pages {
        let (page, kind) = (page(), libc::MAP_PRIVATE | libc::MAP_ANON);
        // SAFETY: a new mapping, of which nothing is known before.
        let start =
            unsafe { libc::mmap(null_mut(), open + 2 * page, libc::PROT_NONE, kind, -1, 0) };
        assert!(start != libc::MAP_FAILED, "no memory for {open} bytes");
        if open > 0 {
            let access = libc::PROT_READ | libc::PROT_WRITE;
            // SAFETY: the pages are those of the mapping but for the first and the last.
            let done = unsafe { libc::mprotect(start.byte_add(page), open, access) };
            assert_eq!(done, 0, "{open} bytes cannot be made accessible");
        }
        Pages {
            start: NonNull::new(start.cast()).expect("no mapping begins at 0"),
            open,
        }
    }

    /// The first byte that may be touched.
    fn first(&self) -> *mut u8 {
        self.start.as_ptr().wrapping_add(page())
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: these bytes are mapped, hold what the system or a run put there, and belong to `self`.
        unsafe { std::slice::from_raw_parts(self.first(), self.open) }
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and `self` is borrowed alone.
        unsafe { std::slice::from_raw_parts_mut(self.first(), self.open) }
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        let (start, open) = (self.start, self.open);
        if open <= SMALL {
            let keep = |free: &RefCell<Vec<Pages>>| free.borrow_mut().push(Pages { start, open });
            // The list is gone where the thread ends, with the pages in it.
            if FREE.try_with(keep).is_ok() {
                return;
            }
        }
        // SAFETY: the mapping is as long, and nobody uses it any more.
        unsafe { libc::munmap(start.as_ptr().cast(), open + 2 * page()) };
    }
}

/// Bytes of a page.
pub fn page() -> usize {
    // SAFETY: asks and changes nothing.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(bytes).expect("pages have a size")
}
