//! The driver's address, by its type.

use super::team::Member;

/// The driver of one thread: it gets the table of bases.
type Alone = unsafe extern "C" fn(*const *mut u8);

/// That of several, which each of them runs: also the thread's place in its team, and how far its scratch lies
/// behind that of the table.
type Together = unsafe extern "C" fn(*const *mut u8, *mut Member<'_>, usize);

/// A driver.
#[derive(Clone, Copy)]
pub(super) enum Entry {
    /// Of one thread.
    Alone(Alone),
    /// Of several.
    Together(Together),
}

impl Entry {
    /// That at an address.
    ///
    /// # Safety
    ///
    /// A function of the type stands there, for as long as this is used.
    pub(super) unsafe fn at(address: *const u8, together: bool) -> Entry {
        match together {
            // SAFETY: the caller's word.
            false => Entry::Alone(unsafe { std::mem::transmute::<*const u8, Alone>(address) }),
            // SAFETY: the caller's word.
            true => Entry::Together(unsafe { std::mem::transmute::<*const u8, Together>(address) }),
        }
    }
}
