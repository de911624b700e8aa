//! Whether a step calls other threads: not where the processors are busy with other programs.
//!
//! A thread that shares a step may be stopped in the middle of a share, for as long as the system lets another
//! program run, and all others wait for it: for milliseconds, in one phase after the other. Then a step is
//! slower on several threads than on one. So steps are timed. Where the caller waits for a large part of a few of
//! them, the next ones run on its thread alone; if that is no faster they go on together, and else they try it
//! again after a while. Results are the same in any case.

use std::time::Duration;

/// Steps in which the caller waits too long, before some are tried alone.
const STRIKES: u32 = 3;
/// Steps alone, before it is told whether they are faster.
const TRIED: u32 = 4;
/// The fewest and the most steps of one kind after it was found to be the faster one.
const KEPT: (u32, u32) = (16, 1024);
/// Seconds that steps go on alone at the most, if they are more than the fewest: the machine may be free again.
const LONGEST: f64 = 1.0;
/// How much the last step counts in the time of such steps.
const LAST: f64 = 0.25;

/// How the steps of one program went.
#[derive(Debug)]
pub(super) struct Pace {
    state: State,
    /// Seconds of a step with others, and alone.
    together: f64,
    alone: f64,
    /// Steps that others are called, or not, the next time that this was found to be faster.
    kept: [u32; 2],
}

/// What the next step does.
#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    /// It calls others; so many steps are taken as they are, and so many have gone badly since.
    Together { trusted: u32, strikes: u32 },
    /// It does not, so many times more.
    Alone { left: u32, done: u32 },
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            state: State::Together {
                trusted: 0,
                strikes: 0,
            },
            together: 0.0,
            alone: 0.0,
            kept: [KEPT.0; 2],
        }
    }
}

/// A time in the light of another.
fn blend(known: f64, now: f64) -> f64 {
    match known > 0.0 {
        true => known + LAST * (now - known),
        false => now,
    }
}

impl Pace {
    /// How many of so many threads the next step is for.
    pub(super) fn threads(&self, most: usize) -> usize {
        match self.state {
            State::Together { .. } => most,
            State::Alone { .. } => 1,
        }
    }

    /// Counts a step that took so long, of which the caller waited for others so long.
    pub(super) fn tell(&mut self, took: Duration, waited: Duration) {
        let seconds = took.as_secs_f64();
        self.state = match self.state {
            State::Together { trusted, strikes } => {
                self.together = blend(self.together, seconds);
                let badly = trusted == 0 && waited * 3 > took;
                if !badly {
                    // What was found out while the machine was busy is forgotten by and by.
                    self.kept[1] = (self.kept[1] - 1).max(KEPT.0);
                }
                match strikes + u32::from(badly) {
                    STRIKES => {
                        self.alone = 0.0;
                        let left = self.kept[1].max(TRIED);
                        self.kept[1] = (2 * left).min(KEPT.1);
                        State::Alone { left, done: 0 }
                    }
                    // One bad step now and then is none that counts.
                    strikes => State::Together {
                        trusted: trusted.saturating_sub(1),
                        strikes: if badly {
                            strikes
                        } else {
                            strikes.saturating_sub(1)
                        },
                    },
                }
            }
            State::Alone { left, done } => {
                self.alone = blend(self.alone, seconds);
                let (left, done) = (left.saturating_sub(1), done + 1);
                let slower = done == TRIED && self.alone >= self.together;
                if slower {
                    let trusted = self.kept[0];
                    self.kept = [(2 * trusted).min(KEPT.1), KEPT.0];
                    State::Together {
                        trusted,
                        strikes: 0,
                    }
                } else if left == 0 {
                    self.together = 0.0;
                    // More than there are numbers is the greatest number.
                    let longest = (LONGEST / self.alone) as u32;
                    self.kept[1] = self.kept[1].min(longest.max(KEPT.0));
                    State::Together {
                        trusted: 0,
                        strikes: 0,
                    }
                } else {
                    State::Alone { left, done }
                }
            }
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps of so many microseconds together, of which the caller waits some, and alone: how many of `count`
    /// steps are taken together.
    fn together(pace: &mut Pace, count: usize, (took, waits): (u64, u64), alone: u64) -> usize {
        let step = |_: usize| {
            let us = Duration::from_micros;
            let calls = pace.threads(2) == 2;
            match calls {
                true => pace.tell(us(took), us(waits)),
                false => pace.tell(us(alone), Duration::ZERO),
            }
            usize::from(calls)
        };
        (0..count).map(step).sum()
    }

    #[test]
    fn steps_that_gain_go_on_together() {
        let mut pace = Pace::default();
        assert_eq!(together(&mut pace, 10_000, (600, 50), 1000), 10_000);
        // Even if the caller waits for what others do: it is tried now and then.
        assert!(together(&mut pace, 10_000, (600, 300), 1000) > 9_900);
    }

    /// Long steps try it again after a second or two.
    #[test]
    fn nothing_is_kept_for_long() {
        let mut pace = Pace::default();
        assert!(together(&mut pace, 1_000, (60_000, 40_000), 15_000) < 100);
        assert!(together(&mut pace, 200, (9_000, 500), 15_000) > 100);
    }

    #[test]
    fn steps_that_others_hold_up_run_alone_until_they_do_not() {
        let mut pace = Pace::default();
        assert!(together(&mut pace, 10_000, (4000, 3000), 1000) < 200);
        // The machine is free again: no more than the longest time passes before that is seen.
        assert!(together(&mut pace, 3_000, (600, 50), 1000) > 1_900);
    }
}
