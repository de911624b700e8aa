//! The threads that run one step together, and who of them does what.
//!
//! A step in phases ([`super::phases`]) is one function that each thread of the team runs from the start
//! to the end. A phase consists of shares; which share does what is settled when the step is compiled, and
//! shares of one phase may run in any order or side by side. So it does not matter who runs a share: the
//! thread that has its number does if it is there, and whoever has nothing else to do takes those of
//! threads that are late or never come. A phase begins when all shares of the one before are done. So a
//! step waits for nobody but threads that are in the middle of a share, and runs on one thread as well.
//!
//! A thread that comes late finds the shares of early phases done, and is soon where the others are.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::bell::Bell;

/// Looks at a share of somebody who is there but has not begun, before another thread takes it: longer
/// than it takes to come from the phase before, a microsecond or two.
const COURTESY: u32 = 48;

/// A team: what its threads know of each other.
#[derive(Debug)]
pub struct Team {
    seats: Box<[Seat]>,
    /// Nanoseconds that the first thread has waited for others in this step.
    waited: AtomicU64,
    /// Rings when a share is done.
    done: Bell,
}

/// A share's state, which its thread writes most: on lines of the cache of its own, two of which
/// processors fetch together.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Seat {
    /// Twice the number of the phase whose share was done last, from 1 on; one less while it is running.
    state: AtomicU64,
    /// Whether the seat's thread is there, as far as others know.
    taken: AtomicBool,
}

impl Team {
    /// A team of so many threads, at least one.
    pub fn new(threads: usize) -> Team {
        Team {
            seats: (0..threads.max(1)).map(|_| Seat::default()).collect(),
            waited: AtomicU64::new(0),
            done: Bell::new(),
        }
    }

    /// How many threads it has.
    pub fn threads(&self) -> usize {
        self.seats.len()
    }

    /// How long the first thread has waited for others in the step before.
    pub fn waited(&self) -> Duration {
        Duration::from_nanos(self.waited.load(Ordering::Relaxed))
    }

    /// Makes it ready for a step.
    pub fn begin(&mut self) {
        *self.waited.get_mut() = 0;
        for seat in &mut self.seats {
            *seat.state.get_mut() = 0;
            *seat.taken.get_mut() = false;
        }
    }
}

/// A thread of a team during a step: what compiled code passes to [`next_share`].
#[derive(Debug)]
pub(super) struct Member<'t> {
    team: &'t Team,
    /// Its number.
    seat: usize,
    /// The phase that it is in, from 1 on.
    phase: u64,
    /// The share that it is running.
    running: Option<usize>,
}

impl<'t> Member<'t> {
    /// The thread of a seat, at the start of a step.
    pub(super) fn new(team: &'t Team, seat: usize) -> Member<'t> {
        Member {
            team,
            seat,
            phase: 0,
            running: None,
        }
    }

    /// The share to run next of a phase of so many; none once all are done.
    fn next(&mut self, shares: usize) -> Option<usize> {
        let seats = &self.team.seats[..shares.min(self.team.seats.len())];
        match self.running.take() {
            Some(share) => {
                if let Some(seat) = seats.get(share) {
                    seat.state.store(2 * self.phase, Ordering::SeqCst);
                    self.team.done.ring();
                }
            }
            None => {
                self.phase += 1;
                if let Some(seat) = self.team.seats.get(self.seat) {
                    // Others may have taken it for late.
                    if !seat.taken.load(Ordering::SeqCst) {
                        seat.taken.store(true, Ordering::SeqCst);
                    }
                }
                let own = seats.get(self.seat);
                if own.is_some_and(|own| claim(own, self.phase)) {
                    self.running = Some(self.seat);
                    return self.running;
                }
            }
        }
        let (phase, seat) = (self.phase, self.seat);
        let (next, waited) = self.team.done.wait(|looks| {
            let mut all = true;
            for (number, other) in seats.iter().enumerate() {
                let state = other.state.load(Ordering::SeqCst);
                if state >= 2 * phase {
                    continue;
                }
                all = false;
                let begun = state == 2 * phase - 1;
                let late = || number == seat || !other.taken.load(Ordering::SeqCst);
                if !begun && (looks >= COURTESY || late()) && claim(other, phase) {
                    // Who is late once is not waited for again, before it comes.
                    if number != seat {
                        other.taken.store(false, Ordering::SeqCst);
                    }
                    return Some(Some(number));
                }
            }
            all.then_some(None)
        });
        self.running = next;
        if seat == 0 && !waited.is_zero() {
            let nanoseconds = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
            self.team.waited.fetch_add(nanoseconds, Ordering::Relaxed);
        }
        self.running
    }
}

/// Takes the share of a phase, unless another thread has.
fn claim(seat: &Seat, phase: u64) -> bool {
    let before = seat.state.load(Ordering::SeqCst);
    // Seats without a share in a phase are behind.
    before < 2 * phase - 1
        && seat
            .state
            .compare_exchange(before, 2 * phase - 1, Ordering::SeqCst, Ordering::SeqCst)
            .is_ok()
}

/// What compiled code calls at the start of a phase and behind each share that it has run: the share to
/// run next of a phase of `shares`, or a negative number once all of them are done.
///
/// # Safety
///
/// `member` is this thread's in its step, whose function calls this for every phase, with as many shares
/// as for all other threads of the team.
pub(super) unsafe extern "C" fn next_share(member: *mut Member<'_>, shares: usize) -> i64 {
    // SAFETY: the thread's own, for the time of the step.
    let member = unsafe { &mut *member };
    match member.next(shares) {
        // A team has no more seats than there may be threads.
        Some(share) => share as i64,
        None => -1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    /// Runs phases of so many shares each by some threads of a team; how often each share has run.
    fn run(team: &Team, threads: &[usize], phases: &[usize]) -> Vec<Vec<usize>> {
        let counts: Vec<Vec<AtomicUsize>> = phases
            .iter()
            .map(|shares| (0..*shares).map(|_| AtomicUsize::new(0)).collect())
            .collect();
        let work = |seat: usize| {
            let mut member = Member::new(team, seat);
            for (phase, shares) in phases.iter().enumerate() {
                while let Some(share) = member.next(*shares) {
                    // All shares of earlier phases are done.
                    let before = counts[..phase].iter().flatten();
                    before.for_each(|count| assert_eq!(count.load(Ordering::Relaxed), 1));
                    counts[phase][share].fetch_add(1, Ordering::Relaxed);
                }
            }
        };
        std::thread::scope(|scope| {
            for seat in threads {
                scope.spawn(|| work(*seat));
            }
        });
        let count = |counts: &Vec<AtomicUsize>| {
            let counts = counts.iter().map(|count| count.load(Ordering::Relaxed));
            counts.collect()
        };
        counts.iter().map(count).collect()
    }

    #[test]
    fn each_share_runs_once_whoever_is_there() {
        let phases: Vec<usize> = (0..200).map(|i| 1 + i * 7 % 5).collect();
        let once: Vec<Vec<usize>> = phases.iter().map(|shares| vec![1; *shares]).collect();
        let mut team = Team::new(5);
        for threads in [&[0][..], &[0, 1], &[0, 3], &[0, 1, 2, 3, 4]] {
            for _ in 0..20 {
                team.begin();
                assert_eq!(run(&team, threads, &phases), once);
            }
        }
    }

    /// A thread that comes when all is done does nothing, and goes.
    #[test]
    fn who_comes_late_finds_all_done() {
        let phases = [3; 10];
        let team = Team::new(3);
        assert_eq!(run(&team, &[0], &phases), [[1, 1, 1]; 10]);
        assert_eq!(run(&team, &[1, 2], &phases), [[0, 0, 0]; 10]);
    }
}
