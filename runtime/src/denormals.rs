//! Denormal numbers as zeros while compiled code runs.
//!
//! An optimizer's moments of parameters without gradient halve on and on until they are denormal, and
//! there they stay: 0.9 times the least denormal rounds to itself. Processors compute with denormals a
//! hundred times slower; a step of a small network took 100 us instead of 15. So results and
//! operands below 1.2e-38 (2.2e-308 in f64) count as 0, on processors that can be told so.

/// While this lives, the thread's arithmetic takes denormals for zeros.
pub(crate) struct Flushed {
    #[cfg(target_arch = "x86_64")]
    before: u32,
    #[cfg(target_arch = "aarch64")]
    before: u64,
}

/// Flush results to zero (bit 15), take operands for zeros (bit 6): Intel SDM volume 1, 10.2.3.
#[cfg(target_arch = "x86_64")]
const BITS: u32 = 1 << 15 | 1 << 6;

/// FZ: Arm architecture reference manual, FPCR.
#[cfg(target_arch = "aarch64")]
const BITS: u64 = 1 << 24;

#[cfg(target_arch = "x86_64")]
fn read() -> u32 {
    let mut word = 0u32;
    // SAFETY: stores the control register to `word`; SSE is part of x86-64.
    unsafe {
        std::arch::asm!("stmxcsr [{}]", in(reg) &mut word, options(nostack, preserves_flags));
    }
    word
}

#[cfg(target_arch = "x86_64")]
fn write(word: u32) {
    // SAFETY: only the bits above differ from a value that was read, so no exception is unmasked.
    unsafe {
        std::arch::asm!("ldmxcsr [{}]", in(reg) &word, options(nostack, preserves_flags));
    }
}

#[cfg(target_arch = "aarch64")]
fn read() -> u64 {
    let word: u64;
    // SAFETY: reads a control register that every process may read.
    unsafe { std::arch::asm!("mrs {}, fpcr", out(reg) word, options(nomem, nostack)) }
    word
}

#[cfg(target_arch = "aarch64")]
fn write(word: u64) {
    // SAFETY: only the bit above differs from a value that was read.
    unsafe { std::arch::asm!("msr fpcr, {}", in(reg) word, options(nomem, nostack)) }
}

impl Flushed {
    /// From now on, until it is dropped.
    pub fn start() -> Flushed {
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        {
            let before = read();
            write(before | BITS);
            Flushed { before }
        }
        #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
        Flushed {}
    }
}

impl Drop for Flushed {
    fn drop(&mut self) {
        #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
        write(self.before);
    }
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
    fn only_while_it_lives() {
        let least = f32::MIN_POSITIVE;
        assert!(half(least) > 0.0);
        let flushed = Flushed::start();
        let inside = half(least);
        drop(flushed);
        assert_eq!(inside, 0.0);
        assert!(half(least) > 0.0);
    }
}
