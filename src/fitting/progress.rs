//! A progress bar on standard error.

use super::end::EpochDone;
use indicatif::{ProgressBar, ProgressStyle};

/// The bar of a training loop; gone when it is dropped.
pub(super) struct Bar {
    bar: ProgressBar,
    epochs: u64,
}

impl Bar {
    pub fn new(epochs: u64, steps: u64) -> Bar {
        let bar = ProgressBar::new(steps);
        let style = ProgressStyle::with_template("{bar:40} {prefix}  {msg}  {per_sec}  eta {eta}");
        // The template is right; without it the bar has the usual one.
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
        Bar {
            bar: bar.with_style(style),
            epochs,
        }
    }

    pub fn step(&self, epoch: u64, loss: f64) {
        self.bar.inc(1);
        // Text is made less often than short steps are taken.
        if self.bar.position() % 16 == 1 {
            self.bar
                .set_prefix(format!("epoch {epoch}/{}", self.epochs));
            self.bar.set_message(format!("loss {loss:.4}"));
        }
    }

    pub fn epoch(&self, done: &EpochDone) {
        if self.bar.is_hidden() {
            eprintln!("{done}");
        } else {
            self.bar.println(done.to_string());
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
