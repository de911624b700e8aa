//! The driver's address, by its type.

use super::clock::Clock;
use super::team::Member;

/// The driver of one thread: it gets the table of bases.
type Alone = unsafe extern "C" fn(*const *mut u8);

/// That of several, which each of them runs: also the thread's place in its team, and its number.
type Together = unsafe extern "C" fn(*const *mut u8, *mut Member<'_>, usize);

/// As [`Alone`], with the clock that it tells of runs.
type AloneClocked = unsafe extern "C" fn(*const *mut u8, &mut Clock);

/// As [`Together`], with the clock that the thread tells of runs.
type TogetherClocked = unsafe extern "C" fn(*const *mut u8, *mut Member<'_>, usize, &mut Clock);

/// A driver.
#[derive(Clone, Copy)]
pub(super) enum Entry {
    /// Of one thread.
    Alone(Alone),
    /// Of several.
    Together(Together),
    /// Of one thread, with a clock.
    AloneClocked(AloneClocked),
    /// Of several, with a clock for each.
    TogetherClocked(TogetherClocked),
}

impl Entry {
    /// That at an address.
    ///
    /// # Safety
    ///
    /// A function of the type stands there, for as long as this is used.
    pub(super) unsafe fn at(address: *const u8, together: bool, clocked: bool) -> Entry {
        use std::mem::transmute;
        match (together, clocked) {
            // SAFETY: the caller's word.
            (false, false) => Entry::Alone(unsafe { transmute::<*const u8, Alone>(address) }),
            // SAFETY: the caller's word.
            (true, false) => Entry::Together(unsafe { transmute::<*const u8, Together>(address) }),
            // SAFETY: the caller's word.
            (false, true) => {
                Entry::AloneClocked(unsafe { transmute::<*const u8, AloneClocked>(address) })
            }
            // SAFETY: the caller's word.
            (true, true) => {
                Entry::TogetherClocked(unsafe { transmute::<*const u8, TogetherClocked>(address) })
            }
        }
    }
}
