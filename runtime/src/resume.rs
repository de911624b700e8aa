//! Training to and from files: what a trainer goes on from, bit for bit.
//!
//! A file is one of the model's, with the optimizer's states beside the leaves (`optimizer/momentum/hidden.w`), and in
//! its header a version, the number of steps taken, learning rate and seed. It has a checksum, without which it is
//! none: so a file that is cut short or changed is an error, and the trainer as it was.

use crate::checkpoint::{Contents, SUM, Tensors, Wanted, bytes_in, has_sum};
use crate::error::{Error, Result};
use crate::layout::Leaf;
use crate::model::{Model, ModelFunction};
use crate::models::Models;
use crate::optimizer::check_rate;
use crate::trainer::Trainer;
use std::collections::HashMap;
use std::path::Path;

/// What a trainer's file calls its version.
pub(crate) const VERSION: &str = "sinew.training";

/// The version that is written, and the only one so far.
const CURRENT: &str = "1";

/// What the names of the optimizer's states start with.
pub(crate) const STATES: &str = "optimizer/";

const STEPS: &str = "sinew.steps";
const RATE: &str = "sinew.learning_rate";
const SEED: &str = "sinew.seed";

impl<F: ModelFunction> Trainer<F> {
    /// Writes all that training goes on from to a safetensors file: the model that is trained, the optimizer's states,
    /// the number of steps, learning rate and seed.
    ///
    /// A file that is there already is replaced when the new one is whole on the disk. It can be read as a model's file
    /// too ([`Model::load`]).
    ///
    /// # Errors
    /// [`Error::File`] when it cannot be written: an older one is then as it was. A device that was lost.
    ///
    /// ```
    /// # use sinew::prelude::*;
    /// # #[model]
    /// # struct Line {
    /// #     #[init(zeros)]
    /// #     slope: Param,
    /// # }
    /// # #[model]
    /// # fn loss<N>(line: &Line, x: Tensor<N>, y: Tensor<N>) -> Tensor {
    /// #     mse(line.slope * x, y)
    /// # }
    /// # let file = std::env::temp_dir().join(format!("line-{}.safetensors", std::process::id()));
    /// let optimizer = Adam::new(0.1);
    /// let mut train = loss::train(Line::init(0)).optimizer(optimizer.clone()).build()?;
    /// train.step([1.0], [2.0])?;
    /// train.save(&file)?;
    /// train.step([1.0], [2.0])?;
    ///
    /// let mut again = loss::train(Line::init(1)).optimizer(optimizer).build()?;
    /// again.resume(&file)?;
    /// again.step([1.0], [2.0])?;
    /// assert_eq!((again.model()?, again.steps()), (train.model()?, 2));
    /// # drop(std::fs::remove_file(&file));
    /// # Ok::<(), sinew::Error>(())
    /// ```
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let mut tensors = Tensors::default();
        tensors.add_model(&self.model()?)?;
        let training = &self.training;
        for (name, state, leaf) in training.kept() {
            tensors.add(name, &leaf.shape, &training.read_state(state, leaf)?)?;
        }
        let said = [
            (VERSION, CURRENT.to_string()),
            (STEPS, self.steps().to_string()),
            // Written so that it reads back to the same bits.
            (RATE, format!("{:?}", training.rate)),
            (SEED, training.engine.settings.seed.to_string()),
            (SUM.0, SUM.1.to_string()),
        ];
        let said = said.map(|(key, value)| (key.to_string(), value));
        tensors.write(path.as_ref(), Some(said.into()))
    }

    /// Goes on from a file that [`save`](Trainer::save) has written, of a trainer of the same model with the same
    /// optimizer: the steps to come are those that would have come there, to the last bit on the same device. What was
    /// accumulated is gone.
    ///
    /// # Errors
    /// [`Error::File`]; [`Error::NotSafetensors`] for a file that is not whole or not as it was written;
    /// [`Error::NotTraining`] for one that no trainer has written; [`Error::Tensors`] for one of another model or
    /// optimizer, with all that does not fit. The trainer is then as it was.
    pub fn resume(&mut self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let bytes = bytes_in(path)?;
        let mut contents = Contents::new(path, &bytes)?;
        let not_training = |reason: String| Error::NotTraining {
            path: path.to_path_buf(),
            reason,
        };
        match contents.said.get(VERSION).map(String::as_str) {
            Some(CURRENT) if has_sum(&bytes) => {}
            Some(CURRENT) => return Err(not_training("it has no checksum".into())),
            Some(other) => {
                return Err(not_training(format!(
                    "its version is {other}, and {CURRENT} can be read"
                )));
            }
            None => return Err(not_training("it has no optimizer in it".into())),
        }
        let steps: u64 = number(&contents.said, STEPS).map_err(not_training)?;
        let rate: f64 = number(&contents.said, RATE).map_err(not_training)?;
        let seed: u64 = number(&contents.said, SEED).map_err(not_training)?;
        check_rate(rate, self.training.engine.settings.precision)?;
        let mut model = F::Models::first(self.handles()).shell();
        let mut found = contents.take_model(&model)?;
        let kept: Vec<(String, usize, Leaf)> = self
            .training
            .kept()
            .map(|(name, state, leaf)| (name, state, leaf.clone()))
            .collect();
        let mut states = Vec::with_capacity(kept.len());
        for (name, state, leaf) in kept {
            let taken = contents.take(Wanted::new(&name, &leaf.shape))?;
            states.extend(taken.map(|data| (state, leaf, data)));
        }
        contents.finish_whole(path, &|_| false)?;
        model.visit_mut("", &mut |path, param| {
            if let Some(loaded) = found.remove(path) {
                param.data = loaded;
            }
        });
        self.set_model(&model)?;
        for (state, leaf, data) in states {
            self.training.write_state(state, &leaf, &data)?;
        }
        self.training.go_on(steps, rate, seed);
        Ok(())
    }
}

/// A number that a file says.
fn number<T: std::str::FromStr>(
    said: &HashMap<String, String>,
    key: &str,
) -> std::result::Result<T, String> {
    let text = said
        .get(key)
        .ok_or_else(|| format!("it does not say `{key}`"))?;
    text.parse().map_err(|_| format!("`{key}` is `{text}`"))
}
