//! What is told where compiled code touches a page that it may not: the process ends there, and before that the
//! program, what it was compiled for and the region are written to the standard error.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr::null;
use std::sync::OnceLock;

/// A region that a run is given.
pub struct Watched {
    pub name: String,
    /// Addresses up to both ends of the guarded pages.
    pub mapping: Range<usize>,
    /// Addresses of its own.
    pub region: Range<usize>,
}

/// A run that is going on.
struct Run<'r> {
    text: &'r str,
    regions: &'r [Watched],
}

thread_local! {
    /// The run of this thread.
    static RUNNING: Cell<*const Run<'static>> = const { Cell::new(null()) };
}

/// Who was asked before: Rust's own handler, which tells of full stacks.
static BEFORE: OnceLock<[libc::sigaction; 2]> = OnceLock::new();

/// The signals of pages that may not be touched: one of them on each system.
const SIGNALS: [libc::c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// Does `run`; if it touches a page that it may not, `text` is told with the region.
pub fn watch(text: &str, regions: &[Watched], run: impl FnOnce()) {
    /// The run before, again.
    struct Last(*const Run<'static>);
    impl Drop for Last {
        fn drop(&mut self) {
            RUNNING.set(self.0);
        }
    }
    BEFORE.get_or_init(|| SIGNALS.map(install));
    let this = Run { text, regions };
    let _last = Last(RUNNING.replace((&raw const this).cast()));
    run();
}

/// The run that goes on, for other threads that take part in it.
pub struct Going(*const Run<'static>);

// SAFETY: a run is read only, and so is all that it refers to.
unsafe impl Sync for Going {}

impl Going {
    /// That of this thread.
    pub fn on() -> Going {
        Going(RUNNING.get())
    }

    /// Tells it of this thread too, which ends before the run does.
    pub fn here_too(&self) {
        RUNNING.set(self.0);
    }
}

/// Has a signal handled here.
fn install(signal: libc::c_int) -> libc::sigaction {
    let handler: extern "C" fn(_, _, _) = tell;
    // SAFETY: all zeros are an action without flags and masks, whose parts are set next; the handler has the
    // type that the flag SA_SIGINFO stands for, and runs on the stack that Rust's runtime keeps for such.
    unsafe {
        let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        action.sa_sigaction = handler as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        let mut before = MaybeUninit::zeroed();
        let done = libc::sigaction(signal, &raw const action, before.as_mut_ptr());
        assert_eq!(done, 0, "signal {signal} is not handled");
        before.assume_init()
    }
}

/// Tells the run of this thread, and leaves the rest to who was asked before. It allocates nothing and takes no
/// lock: the thread may be anywhere.
extern "C" fn tell(signal: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the system gives information that is valid until this returns.
    let address = unsafe { (*info).si_addr() } as usize;
    // SAFETY: where it is not null, it is a run of this thread that goes on meanwhile.
    if let Some(run) = unsafe { RUNNING.get().as_ref() } {
        write(b"\ncompiled code touched what it may not: ");
        let inside = |w: &&Watched| w.mapping.contains(&address);
        match run.regions.iter().find(inside) {
            Some(watched) => {
                let Range { start, end } = watched.region;
                let (distance, side): (usize, &[u8]) = match address < start {
                    true => (start - address, b" bytes before region "),
                    false => (
                        address.saturating_sub(end),
                        b" bytes behind the end of region ",
                    ),
                };
                write_number(distance);
                write(side);
                write(watched.name.as_bytes());
            }
            None => write(b"no region is near"),
        }
        write(b"\n");
        write(run.text.as_bytes());
        write(b"\n");
    }
    // The instruction is tried again when this returns.
    let at = SIGNALS.iter().position(|s| *s == signal);
    if let (Some(before), Some(at)) = (BEFORE.get(), at) {
        // SAFETY: the action is one that was there.
        unsafe { libc::sigaction(signal, &raw const before[at], std::ptr::null_mut()) };
    }
}

fn write(mut bytes: &[u8]) {
    while !bytes.is_empty() {
        // SAFETY: the bytes are there.
        let written =
            unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
        match usize::try_from(written) {
            Ok(written) if written > 0 => bytes = &bytes[written..],
            Ok(_) | Err(_) => return,
        }
    }
}

fn write_number(number: usize) {
    let mut digits = [b'0'; 20];
    let (mut rest, mut first) = (number, digits.len() - 1);
    digits[first] += (rest % 10) as u8;
    while rest >= 10 {
        rest /= 10;
        first -= 1;
        digits[first] += (rest % 10) as u8;
    }
    write(&digits[first..]);
}
