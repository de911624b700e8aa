//! The best score so far, and for how long nothing was better: what early stopping asks.

/// Keeps the best of many scores, and counts how many came since.
///
/// ```
/// use sinew_data::Best;
///
/// let mut best = Best::lowest();
/// assert!(best.add(0.5));             // the first is the best so far: save the model now
/// assert!(!best.add(0.7));
/// assert!(!best.add(f64::NAN));       // never better
/// assert_eq!(best.since(), 2);        // stop here, where patience is 2
/// assert_eq!(best.value(), Some(0.5));
/// assert!(best.add(0.4));
/// assert_eq!(best.since(), 0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Best {
    highest: bool,
    value: Option<f64>,
    since: u64,
}

impl Best {
    /// Of scores of which higher ones are better.
    pub fn highest() -> Best {
        Best {
            highest: true,
            value: None,
            since: 0,
        }
    }

    /// Of scores of which lower ones are better.
    pub fn lowest() -> Best {
        Best {
            highest: false,
            ..Best::highest()
        }
    }

    /// Adds a score, and tells whether it is better than all before. NaN never is.
    pub fn add(&mut self, score: f64) -> bool {
        let better = match self.value {
            None => !score.is_nan(),
            Some(best) if self.highest => score > best,
            Some(best) => score < best,
        };
        if better {
            self.value = Some(score);
            self.since = 0;
        } else {
            self.since += 1;
        }
        better
    }

    /// The best score; none before the first that is a number.
    pub fn value(&self) -> Option<f64> {
        self.value
    }

    /// How many scores came since the best one, or in all where there is none.
    pub fn since(&self) -> u64 {
        self.since
    }
}
