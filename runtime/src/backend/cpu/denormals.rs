//! Denormal numbers as zeros while compiled code runs.
//!
//! An optimizer's moments of parameters without gradient halve on and on until they are denormal, and
//! there they stay: 0.9 times the least denormal rounds to itself. Processors compute with denormals a
//! hundred times slower; a step of a small network took 100 us instead of 15. So results and
//! operands below 1.2e-38 (2.2e-308 in f64) count as 0, on processors that can be told so.
//!
//! Rust's compiler takes for granted that nobody changes how the processor computes: it may move or
//! fold arithmetic as if nothing had. So mode, call and the way back are one block of assembly, which
//! no arithmetic of the caller can get into, and what is called is compiled code.
//!
//! Some Rust does run in the other mode, and relies on what it is. The way from the block to the
//! compiled code computes no floats. Functions that compiled code calls in turn do: remainders, sines of
//! far angles, and the tiles of matrix products. They compute only what comes to them at run
//! time, so that there is nothing to fold, and any such result is right in either mode.

/// Flush results to zero (bit 15), take operands for zeros (bit 6): Intel SDM volume 1, 10.2.3.
#[cfg(target_arch = "x86_64")]
const BITS: u32 = 1 << 15 | 1 << 6;

/// FZ: Arm architecture reference manual, FPCR.
#[cfg(target_arch = "aarch64")]
const BITS: u64 = 1 << 24;

/// Calls back into Rust from assembly. A panic ends the process here: it cannot pass.
///
/// # Safety
/// `work` points to an `F` that nobody else uses.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
unsafe extern "C" fn enter<F: FnMut()>(work: *mut F) {
    // SAFETY: the caller's word.
    unsafe { (*work)() }
}

/// Does `work`, which is to enter compiled code and nothing else, with denormals taken for zeros.
///
/// The mode is as before afterwards; so are the flags of exceptions that arithmetic has raised (x86
/// keeps both in one word), as if `work` had raised none.
pub(crate) fn flushed<F: FnMut()>(mut work: F) {
    #[cfg(target_arch = "x86_64")]
    {
        // The word before, and the one meanwhile.
        let mut words = [0u32; 2];
        // SAFETY: the stack pointer is aligned for a call in a block that may use the stack, and
        // Windows gets the 32 bytes that it wants above the return address. r12 and r13 are the
        // callee's to save in both calling conventions; all that it need not save is declared as
        // overwritten. Only the two bits differ from a word that was read: no exception is unmasked,
        // and the word is as before when the block ends, which `enter` never unwinds out of.
        unsafe {
            std::arch::asm!(
                "stmxcsr [r12]",
                "mov eax, [r12]",
                "or eax, {bits}",
                "mov [r12 + 4], eax",
                "ldmxcsr [r12 + 4]",
                "sub rsp, {shadow}",
                "call r13",
                "add rsp, {shadow}",
                "ldmxcsr [r12]",
                bits = const BITS,
                shadow = const if cfg!(windows) { 32 } else { 0 },
                in("r12") &raw mut words,
                in("r13") enter::<F> as unsafe extern "C" fn(*mut F),
                #[cfg(windows)]
                in("rcx") &raw mut work,
                #[cfg(not(windows))]
                in("rdi") &raw mut work,
                clobber_abi("C"),
            );
        }
    }
    #[cfg(target_arch = "aarch64")]
    // SAFETY: as above; x20 and x21 are the callee's to save, and the register may be read and
    // written by every process.
    unsafe {
        std::arch::asm!(
            "mrs x20, fpcr",
            "orr x21, x20, {bits}",
            "msr fpcr, x21",
            "blr {enter}",
            "msr fpcr, x20",
            bits = const BITS,
            enter = in(reg) enter::<F> as unsafe extern "C" fn(*mut F),
            in("x0") &raw mut work,
            out("x20") _,
            out("x21") _,
            clobber_abi("C"),
        );
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    work();
}

#[cfg(test)]
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod tests {
    use super::*;
    use std::hint::black_box;

    fn half(x: f32) -> f32 {
        black_box(black_box(x) * black_box(0.5))
    }

    #[test]
    fn only_meanwhile() {
        let least = f32::MIN_POSITIVE;
        assert!(half(least) > 0.0);
        let mut inside = 1.0;
        flushed(|| inside = half(least));
        assert_eq!(inside, 0.0);
        assert!(half(least) > 0.0);
    }

    /// What the compiler keeps in registers around the call is there afterwards.
    #[test]
    fn the_callers_values_survive() {
        let floats: [f64; 16] = std::array::from_fn(|i| black_box(i as f64 + 0.5));
        let words: [u64; 16] = std::array::from_fn(|i| black_box(i as u64 + 7));
        let mut inner = 0.0;
        for round in 1..=3 {
            flushed(|| {
                let mut many = [0.0; 40];
                for (i, x) in many.iter_mut().enumerate() {
                    *x = black_box(i as f64) * black_box(f64::from(round));
                }
                inner += many.iter().sum::<f64>();
            });
        }
        assert_eq!(inner, 780.0 * 6.0);
        assert_eq!(floats.iter().sum::<f64>(), 128.0);
        assert_eq!(words.iter().sum::<u64>(), 232);
    }
}
