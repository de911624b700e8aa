//! Compiled code run as the runtime runs it: subnormal numbers are taken for zeros.

/// Does `work`, which is to enter compiled code and nothing else, with subnormal operands and results taken for
/// zeros, on processors that can be told so.
///
/// Rust takes for granted that nobody changes how the processor computes: mode, call and the way back are
/// one block of assembly, which no arithmetic of the caller can get into.
pub fn flushed(work: &mut dyn FnMut()) {
    #[cfg(target_arch = "x86_64")]
    {
        /// # Safety
        /// `work` points to what nobody else uses.
        unsafe extern "C" fn enter(work: *mut &mut dyn FnMut()) {
            // SAFETY: the caller's word.
            unsafe { (*work)() }
        }
        let mut work = work;
        // The word before, and the one meanwhile: results are flushed (bit 15), operands are zeros (bit 6).
        let mut words = [0u32; 2];
        // SAFETY: the stack pointer is aligned for a call in a block that may use the stack, and Windows
        // gets the 32 bytes that it wants above the return address. r12 and r13 are the callee's to save;
        // all that it need not save is declared as overwritten. The word is as before when the block ends.
        unsafe {
            std::arch::asm!(
                "stmxcsr [r12]",
                "mov eax, [r12]",
                "or eax, 0x8040",
                "mov [r12 + 4], eax",
                "ldmxcsr [r12 + 4]",
                "sub rsp, {shadow}",
                "call r13",
                "add rsp, {shadow}",
                "ldmxcsr [r12]",
                shadow = const if cfg!(windows) { 32 } else { 0 },
                in("r12") &raw mut words,
                in("r13") enter as unsafe extern "C" fn(*mut &mut dyn FnMut()),
                #[cfg(windows)]
                in("rcx") &raw mut work,
                #[cfg(not(windows))]
                in("rdi") &raw mut work,
                clobber_abi("C"),
            );
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    work();
}
