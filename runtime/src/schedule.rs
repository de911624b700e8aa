//! Schedules of the learning rate.

use std::fmt;
use std::sync::Arc;

/// What the learning rate is multiplied by in each step.
///
/// Steps count from 0 here, so the first has the factor of step 0. The rate itself is the trainer's:
/// [`set_learning_rate`](crate::Trainer::set_learning_rate) changes it at any time, and the schedule goes on.
///
/// ```
/// # use sinew::prelude::*;
/// use sinew::optim::Schedule;
///
/// let schedule = Schedule::cosine(1000).to(0.1).warmup(10);
/// assert_eq!(schedule.factor(0), 0.1);     // a tenth of the way up
/// assert_eq!(schedule.factor(9), 1.0);
/// assert!((schedule.factor(1010) - 0.1).abs() < 1e-12);
///
/// let mine = Schedule::new(|step| 1.0 / (1.0 + step as f64).sqrt());
/// assert_eq!(mine.factor(3), 0.5);
/// ```
#[derive(Clone)]
pub struct Schedule {
    /// Steps of a linear rise in front.
    warmup: u64,
    shape: Shape,
}

#[derive(Clone)]
enum Shape {
    Constant,
    Linear {
        steps: u64,
        end: f64,
    },
    Cosine {
        steps: u64,
        end: f64,
    },
    Exponential {
        factor: f64,
    },
    Staircase {
        factor: f64,
        every: u64,
    },
    MultiStep {
        factor: f64,
        at: Vec<u64>,
    },
    OneCycle {
        steps: u64,
        rise: f64,
        start: f64,
        end: f64,
    },
    Own(Arc<dyn Fn(u64) -> f64 + Send + Sync>),
}

/// How far step `step` of `steps` is, at most 1.
fn share(step: u64, steps: u64) -> f64 {
    (step as f64 / steps.max(1) as f64).min(1.0)
}

/// From `start` to `end` along half a cosine.
fn half_cosine(start: f64, end: f64, share: f64) -> f64 {
    end + 0.5 * (start - end) * (1.0 + (std::f64::consts::PI * share).cos())
}

impl Schedule {
    fn of(shape: Shape) -> Schedule {
        Schedule { warmup: 0, shape }
    }

    /// Any function of the step, counted from 0.
    pub fn new(factor: impl Fn(u64) -> f64 + Send + Sync + 'static) -> Schedule {
        Schedule::of(Shape::Own(Arc::new(factor)))
    }

    /// 1 throughout.
    pub fn constant() -> Schedule {
        Schedule::of(Shape::Constant)
    }

    /// From 1 to 0 in so many steps, on a line, and 0 from then on; [`to`](Schedule::to) ends elsewhere.
    pub fn linear(steps: u64) -> Schedule {
        Schedule::of(Shape::Linear { steps, end: 0.0 })
    }

    /// From 1 to 0 in so many steps, along half a cosine (Loshchilov and Hutter, "SGDR", 2017), and 0 from then on;
    /// [`to`](Schedule::to) ends elsewhere.
    pub fn cosine(steps: u64) -> Schedule {
        Schedule::of(Shape::Cosine { steps, end: 0.0 })
    }

    /// `factor^step`.
    pub fn exponential(factor: f64) -> Schedule {
        Schedule::of(Shape::Exponential { factor })
    }

    /// `factor^floor(step / every)`: multiplied every so many steps.
    pub fn staircase(factor: f64, every: u64) -> Schedule {
        Schedule::of(Shape::Staircase { factor, every })
    }

    /// Multiplied by `factor` at each of these steps.
    pub fn multi_step(factor: f64, at: impl Into<Vec<u64>>) -> Schedule {
        let at = at.into();
        Schedule::of(Shape::MultiStep { factor, at })
    }

    /// Up from 1/25 to 1 in three tenths of the steps, down to 1/250000 in the rest, along half cosines (Smith and
    /// Topin, "Super-convergence", 2019; the defaults of `torch.optim.lr_scheduler.OneCycleLR`, of which 1 is `max_lr`).
    pub fn one_cycle(steps: u64) -> Schedule {
        let start = 1.0 / 25.0;
        Schedule::of(Shape::OneCycle {
            steps,
            rise: 0.3,
            start,
            end: start / 1e4,
        })
    }

    /// What a [`linear`](Schedule::linear) or [`cosine`](Schedule::cosine) schedule ends at, 0 without it; others
    /// have no such end, and stay as they are.
    pub fn to(mut self, factor: f64) -> Schedule {
        if let Shape::Linear { end, .. } | Shape::Cosine { end, .. } = &mut self.shape {
            *end = factor;
        }
        self
    }

    /// So many steps more in front, in which the factor rises in equal parts to the schedule's first: the first of
    /// them has a part, the last all of it.
    pub fn warmup(mut self, steps: u64) -> Schedule {
        self.warmup = steps;
        self
    }

    /// The factor of a step, counted from 0.
    pub fn factor(&self, step: u64) -> f64 {
        match step.checked_sub(self.warmup) {
            Some(behind) => self.shape.factor(behind),
            None => self.shape.factor(0) * (step + 1) as f64 / self.warmup as f64,
        }
    }
}

impl Shape {
    fn factor(&self, step: u64) -> f64 {
        match self {
            Shape::Constant => 1.0,
            Shape::Linear { steps, end } => 1.0 + (end - 1.0) * share(step, *steps),
            Shape::Cosine { steps, end } => half_cosine(1.0, *end, share(step, *steps)),
            Shape::Exponential { factor } => factor.powf(step as f64),
            Shape::Staircase { factor, every } => factor.powf((step / (*every).max(1)) as f64),
            Shape::MultiStep { factor, at } => {
                factor.powf(at.iter().filter(|at| **at <= step).count() as f64)
            }
            Shape::OneCycle {
                steps,
                rise,
                start,
                end,
            } => {
                let last = steps.saturating_sub(1) as f64;
                let top = rise * *steps as f64 - 1.0;
                let at = step as f64;
                match at <= top {
                    true => half_cosine(*start, 1.0, at / top),
                    false => half_cosine(1.0, *end, ((at - top) / (last - top)).min(1.0)),
                }
            }
            Shape::Own(factor) => factor(step),
        }
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shape: &dyn fmt::Display = match &self.shape {
            Shape::Constant => &"constant",
            Shape::Linear { steps, end } => &format!("linear({steps}).to({end})"),
            Shape::Cosine { steps, end } => &format!("cosine({steps}).to({end})"),
            Shape::Exponential { factor } => &format!("exponential({factor})"),
            Shape::Staircase { factor, every } => &format!("staircase({factor}, {every})"),
            Shape::MultiStep { factor, at } => &format!("multi_step({factor}, {at:?})"),
            Shape::OneCycle { steps, .. } => &format!("one_cycle({steps})"),
            Shape::Own(_) => &"new(..)",
        };
        write!(f, "Schedule::{shape}.warmup({})", self.warmup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(found: f64, expected: f64) {
        let error = (found - expected).abs();
        assert!(
            error <= 1e-12 * expected.abs().max(1e-3),
            "{found} for {expected}"
        );
    }

    #[test]
    fn factors_follow_their_formulas() {
        let linear = Schedule::linear(4).to(0.5);
        for (step, expected) in [(0, 1.0), (1, 0.875), (4, 0.5), (9, 0.5)] {
            near(linear.factor(step), expected);
        }
        let cosine = Schedule::cosine(2);
        for (step, expected) in [(0, 1.0), (1, 0.5), (2, 0.0), (3, 0.0)] {
            near(cosine.factor(step), expected);
        }
        near(Schedule::exponential(0.5).factor(3), 0.125);
        near(Schedule::staircase(0.5, 3).factor(8), 0.25);
        let steps = Schedule::multi_step(0.1, [2, 5]);
        for (step, expected) in [(1, 1.0), (2, 0.1), (4, 0.1), (5, 0.01)] {
            near(steps.factor(step), expected);
        }
        near(Schedule::constant().factor(7), 1.0);
    }

    #[test]
    fn a_warmup_rises_to_what_follows() {
        let schedule = Schedule::linear(10).warmup(4);
        for (step, expected) in [(0, 0.25), (3, 1.0), (4, 1.0), (9, 0.5), (14, 0.0)] {
            near(schedule.factor(step), expected);
        }
    }

    /// `OneCycleLR` with 10 steps and a `max_lr` of 1: from 0.04 up to 1 at step 2, down to 4e-6 at step 9.
    #[test]
    fn one_cycle_rises_and_falls() {
        let schedule = Schedule::one_cycle(10);
        let angle = |share: f64| (std::f64::consts::PI * share).cos();
        let down = |step: f64| 4e-6 + (1.0 - 4e-6) / 2.0 * (1.0 + angle((step - 2.0) / 7.0));
        let expected = [
            (0, 0.04),
            (1, 0.52),
            (2, 1.0),
            (3, down(3.0)),
            (9, 4e-6),
            (20, 4e-6),
        ];
        for (step, expected) in expected {
            near(schedule.factor(step), expected);
        }
    }
}
