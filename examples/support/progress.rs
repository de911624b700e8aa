//! How far a training is: a bar on a terminal, a line now and then in a log.

use indicatif::{ProgressBar, ProgressStyle};

/// The progress of so many steps.
pub struct Progress {
    bar: ProgressBar,
    /// In a log, a line each time that so many are done.
    every: u64,
}

impl Progress {
    pub fn new(steps: usize) -> Progress {
        let style = ProgressStyle::with_template("{bar:40} {pos}/{len}  {msg}  {elapsed}");
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Progress {
            bar: ProgressBar::new(steps as u64).with_style(style),
            every: (steps as u64 / 10).max(1),
        }
    }

    /// One more is done; `text` says what came of it.
    pub fn step(&self, text: impl FnOnce() -> String) {
        self.bar.inc(1);
        let done = self.bar.position();
        if self.bar.is_hidden() {
            if done.is_multiple_of(self.every) {
                println!("{done:6}  {}", text());
            }
        } else if done.is_multiple_of(16) {
            self.bar.set_message(text());
        }
    }

    /// All are done.
    pub fn finish(self) {
        let seconds = self.bar.elapsed().as_secs_f64();
        self.bar.finish_and_clear();
        println!("{} steps in {seconds:.1} s", self.bar.position());
    }
}
